"""Sealed artifacts, their master key, the audit and its checkpoints at the terminal."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipelines.artifacts.lead_index import INDEX_NAME
from export_pipelines.artifacts.sealing import WrappedKey
from export_pipelines.errors import SettingsError
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.ledger.tables import audit
from export_pipelines.project import Project as Opened
from export_pipelines_servers.kms import kms_server
from export_pipelines_tests.conftest import NOW, Answer, Project
from export_pipelines_tests.erasure.erasing import run

MASTER, SECOND, AUDIT = (f"EXPORT_PIPELINES_{name}" for name in ("MASTER_KEY", "MASTER_KEY_2", "AUDIT_KEY"))
DAY = "2024-01-15"
Terminal = Callable[..., Answer]


@pytest.fixture
def sealed(project: Project, terminal: Terminal) -> str:
    """An artifact made under the first master key."""
    project.environment.update({MASTER: "m" * 32, AUDIT: "a" * 32})
    assert terminal("run", "daily", "--partition", DAY).code == 0
    return terminal("artifacts", "daily").stdout.splitlines()[1].split()[0]


def stored_part(project: Project, artifact: str) -> Path:
    return project.home / "artifacts" / artifact / "leads_part_1.csv"


def delivered(project: Project) -> bytes:
    return (project.home / "delivered" / "daily" / DAY / "leads_part_1.csv").read_bytes()


def test_what_is_stored_is_sealed_and_what_is_delivered_is_not(
    project: Project, terminal: Terminal, sealed: str
) -> None:
    stored = stored_part(project, sealed).read_bytes()
    assert b"lead_id" not in stored and delivered(project).startswith(b"lead_id")
    assert terminal("verify", sealed).code == 0
    stored_part(project, sealed).write_bytes(stored[:-1])
    answer = terminal("verify", sealed)
    assert answer.code == 1 and "leads_part_1.csv" in answer.stderr


def test_delivering_again_opens_what_is_sealed(project: Project, terminal: Terminal, sealed: str) -> None:
    before = delivered(project)
    (project.home / "delivered" / "daily" / DAY / "leads_part_1.csv").unlink()
    assert terminal("deliver", sealed, "--again").code == 0
    assert delivered(project) == before


def test_after_a_rotation_the_first_master_key_is_needed_no_more(
    project: Project, terminal: Terminal, sealed: str
) -> None:
    project.environment[SECOND] = "n" * 32
    assert terminal("master-key", "rotate").stdout == "1 data key wrapped anew\n"
    assert terminal("master-key", "rotate").stdout == "0 data keys wrapped anew\n"
    del project.environment[MASTER]
    assert terminal("deliver", sealed, "--again").code == 0


def test_a_rotation_to_a_key_of_kms_that_then_refuses(
    project: Project, terminal: Terminal, sealed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kms_server() as kms:
        for name, value in kms.environment.items():
            monkeypatch.setenv(name, value)
        project.environment[SECOND] = f"aws-kms://{kms.new_key()}"
        assert terminal("master-key", "rotate").stdout == "1 data key wrapped anew\n"
        del project.environment[MASTER]
        before = delivered(project)
        assert terminal("deliver", sealed, "--again").code == 0
        assert terminal("run", "daily", "--partition", "2024-01-16").code == 0
        with kms.closed():
            answer = terminal("run", "daily", "--partition", "2024-01-17")
            assert answer.code == 2 and "KMS refuses the key" in answer.stderr
    assert delivered(project) == before
    assert not (project.home / "artifacts" / "daily" / "2024-01-17").exists()


def test_without_its_master_key_nothing_is_opened_and_the_stored_bytes_still_verify(
    project: Project, terminal: Terminal, sealed: str
) -> None:
    project.environment.pop(MASTER)
    stored = stored_part(project, sealed)
    with pytest.raises(SettingsError, match="no master key is set"):
        Opened.open(project.folder, project.environment).store.open(sealed, stored.name)
    assert terminal("verify", sealed).code == 0
    stored.write_bytes(stored.read_bytes()[:-1])
    assert terminal("verify", sealed).code == 1


def test_another_master_key_opens_nothing_and_changes_nothing(
    project: Project, terminal: Terminal, sealed: str
) -> None:
    project.environment[MASTER] = "o" * 32
    before = project.tree(ledger=False)
    for command in (("verify", sealed), ("diagnose", "daily")):
        answer = terminal(*command)
        assert (
            f"daily/{DAY}" in answer.stderr + answer.stdout
            and "is not held here" in answer.stderr + answer.stdout
        )
    assert terminal("verify", sealed).code == 2
    assert project.tree(ledger=False) == before


def test_what_cannot_be_sealed_or_opened_is_named_and_the_others_are_sealed(
    project: Project, terminal: Terminal
) -> None:
    plain, erased_plain = run(project, day="2024-01-13"), run(project, day="2024-01-14")
    project.environment[MASTER] = "m" * 32
    unindexed, changed = run(project, day="2024-01-15"), run(project, day="2024-01-16")
    erased, damaged = run(project, day="2024-01-17"), run(project, day="2024-01-19")
    (project.home / "artifacts" / damaged / "manifest.json").write_text("{")
    project.environment[SECOND] = "n" * 32
    refused = run(project, day="2024-01-18")
    del project.environment[SECOND]
    ledger = open_ledger(f"sqlite:///{project.home / 'ledger.db'}")
    keys = LedgerKeys(lambda: ledger.engine)
    keys.add(WrappedKey(erased_plain, "m", b"of a try that was killed"))
    keys.destroy([erased, erased_plain], NOW)
    for artifact in (unindexed, changed):
        (project.home / "artifacts" / artifact / INDEX_NAME).write_bytes(b"x")
    part = stored_part(project, changed)
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    names, audited = keys.names(), len(ledger.audit("denied"))
    answer = terminal("artifacts", "seal", "--all")
    assert answer.code == 1 and answer.stdout == "1 artifact sealed, 1 were sealed before\n"
    assert f"sealed: {plain}" in answer.stderr and f"leads indexed: {unindexed}" in answer.stderr
    for artifact, why in (
        (changed, "/leads_part_1.csv: the sealed part does not open"),
        (erased, ": the artifact is sealed, and its key is not in this ledger"),
        (damaged, "/manifest.json: "),
        (erased_plain, ": the key of this name was destroyed"),
        (refused, ": the artifact is sealed under the master key"),
    ):
        assert f"error: {artifact}{why}" in answer.stderr
    assert keys.names() == {*names, plain}
    assert len(ledger.audit("denied")) == audited + 1
    assert terminal("artifacts", "seal", erased, unindexed).code == 1


def test_a_checkpoint_tells_of_an_audit_that_was_cut(
    project: Project, terminal: Terminal, sealed: str, tmp_path: Path
) -> None:
    assert terminal("master-key", "rotate").code == 0
    kept = tmp_path / "checkpoint.txt"
    kept.write_text(terminal("audit", "checkpoint").stdout)
    assert terminal("audit", "verify", "--checkpoint", str(kept)).code == 0
    assert terminal("audit", "public-key").stdout.startswith("-----BEGIN PUBLIC KEY-----")
    with open_ledger(f"sqlite:///{project.home / 'ledger.db'}").engine.begin() as connection:
        connection.execute(sa.delete(audit))
    answer = terminal("audit", "verify", "--checkpoint", str(kept))
    assert answer.code == 1 and "entry 1 is missing" in answer.stderr
    kept.write_text("something else")
    assert terminal("audit", "verify", "--checkpoint", str(kept)).code == 2
