"""Which key an artifact was opened with, and that it was the wrong one, is in the audit."""

import shutil
from dataclasses import replace

import pytest

from export_pipelines.errors import KeyRefused
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.project import Project as Opened
from export_pipelines.system_user import system_user
from export_pipelines_tests.access.test_audited import JANUARY, MASTER, TO_FOLDER, Terminal, entries, told
from export_pipelines_tests.conftest import NOW, Project


def test_verifying_without_the_data_key_uses_none(guarded: Project, terminal: Terminal) -> None:
    guarded.environment[MASTER] = "m" * 32
    assert terminal("run", "leads", *JANUARY, "--as", "boss").code == 0
    (artifact,) = (line.split()[0] for line in terminal("artifacts", "leads").stdout.splitlines()[1:])
    ledger = open_ledger(f"sqlite:///{guarded.home / 'ledger.db'}")
    LedgerKeys(lambda: ledger.engine).destroy([artifact], NOW)
    assert terminal("verify", artifact).code == 0
    assert [entry[0] for entry in told(guarded)] == ["run"]


def test_verifying_what_is_sealed_uses_its_key(guarded: Project, terminal: Terminal) -> None:
    guarded.environment[MASTER] = "m" * 32
    assert terminal("run", "leads", *JANUARY, "--as", "boss").code == 0
    (artifact,) = (line.split()[0] for line in terminal("artifacts", "leads").stdout.splitlines()[1:])
    assert terminal("verify", artifact).code == 0
    assert [entry[0] for entry in told(guarded)] == ["run", "key use"]


def test_a_wrong_master_key_is_recorded_by_whatever_way_it_opens_an_artifact(
    guarded: Project, terminal: Terminal
) -> None:
    guarded.environment[MASTER] = "m" * 32
    guarded.write("leads", TO_FOLDER)
    as_boss = replace(Opened.open(guarded.folder, guarded.environment, lambda: NOW), asker="boss")
    artifact = as_boss.run("leads", "2024-01-01").manifest.artifact
    master = as_boss.settings.master_key.local[0].id
    guarded.environment[MASTER] = "n" * 32
    project = replace(Opened.open(guarded.folder, guarded.environment, lambda: NOW), asker="boss")
    before = len(entries(guarded))
    shutil.rmtree(guarded.home / "delivered")
    for reading in (
        project.read,
        lambda name: project.to_arrow(name).read_all(),
        lambda _: project.scan("leads").collect(),
        project.verify,
    ):
        with pytest.raises(KeyRefused, match="is not held here"):
            reading(artifact)
    commands = [
        ("deliver", artifact, "--again", "--as", "boss"),
        ("verify", artifact),
        ("erase", "--lead", "x", "--as", "boss"),
        ("hold", "--lead", "x", "--reason", "claim 1", "--as", "boss"),
    ]
    for command in commands:
        answer = terminal(*command)
        assert (answer.code, answer.stderr.count("error: ")) == (2, 1), (command, answer.stderr)
        assert f"the master key {master}, which is not held here" in answer.stderr, command
    denied = [entry for entry in entries(guarded)[before:] if entry.action == "denied"]
    assert [(entry.actor, entry.detail["asked"]) for entry in denied] == [
        ("boss", "read"),
        ("boss", "read"),
        ("boss", "read"),
        ("boss", "verify"),
        ("boss", "deliver"),
        (system_user(), "verify"),
        ("boss", "command"),
        ("boss", "command"),
    ]
    assert {(entry.detail["code"], entry.outcome) for entry in denied} == {("key_refused", "denied")}
    assert not (guarded.home / "delivered").exists()
    assert terminal("erase", artifact, "--yes", "--as", "boss").code == 0  # which needs no key
