"""The record of an erasure is proven by the audit, and no byte of a key or of what lay in clear is left."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from export_pipelines.artifacts.sealing import MasterKeys, sealed_store
from export_pipelines.errors import SealedArtifact
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.erasure.erasing import (
    NEXT,
    delivered,
    ledger_of,
    opened,
    run,
)


def test_the_record_is_printed_again_and_proven_by_the_audit(sealed: Project, terminal: Terminal) -> None:
    artifact = run(sealed)
    sha256 = opened(sealed).store.manifest(artifact).parts[0].sha256
    assert terminal("erase", "--record", artifact).code == 2
    assert terminal("erase", artifact, "--yes").code == 0
    text = terminal("erase", "--record", artifact).stdout
    for words in (artifact, sha256, "its data key was destroyed", "2 files removed", "audit entry"):
        assert words in text
    (record,) = data(terminal("erase", "--record", artifact, "--json"))
    assert (record["outcome"], record["what"]["parts"]) == ("done", {"leads_part_1.csv": sha256})
    assert terminal("audit", "verify").code == 0
    with ledger_of(sealed).engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE action = 'erased'")
    assert terminal("audit", "verify").code == 1


def test_no_byte_of_the_key_is_left_in_the_ledger_or_in_backups_made_after(
    sealed: Project, terminal: Terminal, tmp_path: Path
) -> None:
    artifact, kept = run(sealed), run(sealed, day=NEXT)
    project = opened(sealed)
    keys, masters = LedgerKeys(lambda: project.ledger.engine), MasterKeys.of(project.settings.master_key)
    wrapped, other = keys.get(artifact), keys.get(kept)
    assert wrapped and other and masters
    key = masters.unwrap(wrapped)
    stolen = tmp_path / "stolen"
    shutil.copytree(sealed.home / "artifacts" / artifact, stolen)
    secrets = [
        key,
        wrapped.wrapped,
        *(wrapped.wrapped[at : at + 8] for at in range(len(wrapped.wrapped) - 7)),
    ]
    everything = b"".join(path.read_bytes() for path in sealed.home.glob("ledger.db*") if path.is_file())
    assert wrapped.wrapped in everything
    assert terminal("erase", artifact, "--yes").code == 0
    with closing(sqlite3.connect(sealed.home / "ledger.db")) as source:
        with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
            source.backup(backup)
        source.execute(f"VACUUM INTO '{tmp_path / 'compact.db'}'")
    files = [path for path in (*sealed.home.rglob("*"), *tmp_path.glob("*.db*")) if path.is_file()]
    assert any(other.wrapped in path.read_bytes() for path in files)
    for path in files:
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path
    shutil.copytree(stolen, sealed.home / "artifacts" / artifact)
    store = sealed_store(opened(sealed).store)
    with pytest.raises(SealedArtifact, match="its key is not in this ledger"):
        store.open(artifact, "leads_part_1.csv")
    answer = terminal("artifacts", "daily")
    assert f"unreadable: {artifact}: data key missing" in answer.stderr and "damaged" not in answer.stderr


def test_a_store_whose_ledger_is_gone_lists_sealed_artifacts_as_unreadable(
    sealed: Project, terminal: Terminal
) -> None:
    artifact = run(sealed)
    for path in sealed.home.glob("ledger.db*"):
        if path.is_file():
            path.unlink()
    answer = terminal("artifacts", "daily")
    assert answer.code == 0
    assert f"unreadable: {artifact}: data key missing" in answer.stderr and "damaged" not in answer.stderr
    (item,) = data(terminal("artifacts", "daily", "--json"))
    assert "data key missing" in item["unreadable"] and item["damaged"] is None
    assert terminal("verify", artifact).code == 0  # what is stored is what was stored


def test_what_lay_there_in_clear_is_sealed_where_it_lies(project: Project, terminal: Terminal) -> None:
    first, second = run(project), run(project, day=NEXT)
    assert terminal("artifacts", "seal", first).code == 2  # no master key
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    assert terminal("artifacts", "seal").code == 2
    assert terminal("artifacts", "seal", first).stdout == "1 artifact sealed, 0 were sealed before\n"
    assert terminal("artifacts", "seal", "--all").stdout == "1 artifact sealed, 1 were sealed before\n"
    for artifact in (first, second):
        files = [path.read_bytes() for path in (project.home / "artifacts" / artifact).iterdir()]
        assert not any(b"lead_id," in content for content in files)
        assert terminal("verify", artifact).code == 0
    before = (delivered(project) / "leads_part_1.csv").read_bytes()
    shutil.rmtree(delivered(project))
    assert terminal("deliver", first, "--again").code == 0
    assert (delivered(project) / "leads_part_1.csv").read_bytes() == before
