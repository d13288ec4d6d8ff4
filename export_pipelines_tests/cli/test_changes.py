"""`mode: changes` the whole way: sealed, at the terminal, through Dagster."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from export_pipelines.artifacts import ROW_DIGESTS_NAME
from export_pipelines_tests.cli.answers import Terminal
from export_pipelines_tests.conftest import DAILY, Project

DAY = "2024-01-15"
MASTER, HASH = "EXPORT_PIPELINES_MASTER_KEY", "EXPORT_PIPELINES_HASH_KEY"
CHANGES = (
    DAILY.partition("deliver:")[0]
    + 'mode: {changes: {full: every 10}}\ndeliver:\n  - folder: {path: "out/{{run}}"}\n'
)


@pytest.fixture
def changing(project: Project, store_url: str) -> Project:
    source = project.folder / "leads.db"
    shutil.copy(store_url.removeprefix("sqlite:///"), source)
    keys = {MASTER: "m" * 32, HASH: "h" * 32}
    project.environment.update({"EXPORT_PIPELINES_SOURCE_URL": f"sqlite:///{source}", **keys})
    project.write("daily", CHANGES)
    return project


def manifests(project: Project) -> list[dict[str, object]]:
    """In the order in which they were delivered."""
    files = list((project.home / "delivered" / "out").rglob("*.manifest.json"))
    files.sort(key=lambda file: file.stat().st_mtime_ns)
    return [json.loads(file.read_bytes()) for file in files]


def change(project: Project) -> str:
    """Changes three leads of the day; gives the one that is gone."""
    with sqlite3.connect(project.folder / "leads.db") as connection:
        query = f"SELECT lead_id FROM leads WHERE submitted_at LIKE '{DAY}%' ORDER BY lead_id LIMIT 4"
        gone, *ids = [str(row[0]) for row in connection.execute(query)]
        for id in ids:
            connection.execute("UPDATE leads SET state = 'ZZ' WHERE lead_id = ?", [id])
        connection.execute("DELETE FROM leads WHERE lead_id = ?", [gone])
    return gone


def test_a_sealed_export_tells_what_has_changed_and_why_not(changing: Project, terminal: Terminal) -> None:
    first = terminal("run", "daily", "--partition", DAY)
    assert first.code == 0, first.stderr
    assert "full set: no set before has been delivered" in first.stdout
    change(changing)
    second = terminal("run", "daily", "--partition", DAY)
    full, changes = manifests(changing)
    assert f"removed since {full['artifact']}" in second.stdout
    assert "0 added, 3 changed, 1 removed since" in second.stdout
    listed = json.loads(terminal("artifacts", "daily", "--json").stdout)
    assert {artifact["changes"]["since"] for artifact in listed} == {None, full["artifact"]}
    stored = changing.home / "artifacts" / str(changes["artifact"]) / ROW_DIGESTS_NAME
    assert b"ARROW1" not in stored.read_bytes()
    assert terminal("verify", str(changes["artifact"])).code == 0
    stored.write_bytes(stored.read_bytes()[:-1])
    assert ROW_DIGESTS_NAME in terminal("verify", str(changes["artifact"])).stderr
    assert "full set: the digests of" in terminal("run", "daily", "--partition", DAY).stdout


def test_a_lead_that_was_removed_is_in_the_index_of_leads(changing: Project, terminal: Terminal) -> None:
    terminal("run", "daily", "--partition", DAY)
    lead = change(changing)
    terminal("run", "daily", "--partition", DAY)
    full, changes = manifests(changing)
    answer = terminal("erase", "--lead", lead, "--yes")
    assert answer.code == 0, answer.stderr
    left = json.loads(terminal("artifacts", "daily", "--json").stdout)
    assert left == []
    third = terminal("run", "daily", "--partition", DAY)
    assert f"full set: the set before, {changes['artifact']}, was erased" in third.stdout, full


def test_plain_artifacts_are_sealed_with_their_digests(changing: Project, terminal: Terminal) -> None:
    changing.environment[MASTER] = ""
    terminal("run", "daily", "--partition", DAY)
    (full,) = manifests(changing)
    stored = changing.home / "artifacts" / str(full["artifact"])
    assert b"ARROW1" in (stored / ROW_DIGESTS_NAME).read_bytes()
    changing.environment[MASTER] = "m" * 32
    answer = terminal("artifacts", "seal", "--all")
    assert answer.code == 0, answer.stderr
    assert all(b"ARROW1" not in path.read_bytes() for path in Path(stored).iterdir())
    change(changing)
    assert f"removed since {full['artifact']}" in terminal("run", "daily", "--partition", DAY).stdout


def test_the_plan_says_that_only_changes_are_written(changing: Project, terminal: Terminal) -> None:
    shown = terminal("plan", "daily", "--partition", DAY).stdout
    assert "changes      rows added, changed or removed, told apart by lead_id" in shown
    changing.environment[HASH] = ""
    answer = terminal("plan", "daily", "--partition", DAY)
    assert answer.code == 2 and "daily.yaml:" in answer.stderr and "HASH_KEY" in answer.stderr


def test_a_full_set_is_written_when_it_is_asked_for(changing: Project, terminal: Terminal) -> None:
    terminal("run", "daily", "--partition", DAY)
    change(changing)
    asked = terminal("run", "daily", "--partition", DAY, "--full")
    assert asked.code == 0 and "full set: it was asked for" in asked.stdout
    change(changing)
    next = terminal("run", "daily", "--partition", DAY)
    _, full, _ = manifests(changing)
    assert f"removed since {full['artifact']}" in next.stdout


def test_a_full_set_of_an_export_without_changes_is_refused(project: Project, terminal: Terminal) -> None:
    before = project.tree(ledger=False)
    answer = terminal("run", "daily", "--partition", DAY, "--full")
    assert (answer.code, answer.stdout) == (2, "")
    assert (
        "exports/daily.yaml" in answer.stderr
        and "is not in mode: changes: each run has all rows" in answer.stderr
    )
    assert project.tree(ledger=False) == before
