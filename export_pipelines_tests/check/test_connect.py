"""What `check --connect` finds out by asking source, ledger, store and clocks."""

import re
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from export_pipelines.key_versions import PREFIX
from export_pipelines.sample import generate_leads
from export_pipelines_servers.free_port import free_port
from export_pipelines_tests.check.test_check import check
from export_pipelines_tests.conftest import Project


def test_connect_tells_a_source_that_does_not_answer_for_each_export(project: Project) -> None:
    project.write("another")
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.folder / 'none.db'}"
    assert check(project) == []
    faults = check(project, connect=True)
    assert [fault.name for fault in faults] == ["another", "daily"]
    assert all("there is no database" in fault.text for fault in faults)


def test_connect_warns_where_no_index_finds_a_window(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "bare.db"
    generate_leads(f"sqlite:///{path}", 5, 1, date(2024, 1, 1), 1)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX leads_by_time")
    project.environment[f"{PREFIX}SOURCE_URL"] = f"sqlite:///{path}"
    (fault,) = check(project, connect=True)
    assert (fault.name, fault.severity) == ("daily", "warning")
    assert fault.text == (
        "no index of leads begins with submitted_at, so each window reads the whole table; "
        "an index on (submitted_at, lead_id) would find it"
    )


def test_connect_warns_of_a_source_whose_clock_is_wrong(project: Project, postgresql_url: str) -> None:
    generate_leads(postgresql_url, 5, 1, date(2024, 1, 1), 1, replace=True)
    project.environment[f"{PREFIX}SOURCE_URL"] = postgresql_url
    for hours, skew in ((1, "60 minutes behind ours"), (-2, "120 minutes ahead of ours")):
        shifted = datetime.now(UTC) + timedelta(hours=hours)
        (fault,) = check(project, connect=True, now=shifted)
        assert (fault.name, fault.severity) == ("source", "warning") and skew in fault.text
    assert check(project, connect=True, now=datetime.now(UTC)) == []


def test_connect_refuses_a_ledger_whose_clock_differs_by_more_than_30_s(
    project: Project, postgresql_url: str
) -> None:
    project.environment[f"{PREFIX}LEDGER_URL"] = postgresql_url
    for seconds, way in ((45, "behind"), (-40, "ahead of")):
        shifted = datetime.now(UTC) + timedelta(seconds=seconds)
        (fault,) = check(project, connect=True, now=shifted)
        assert (fault.name, fault.severity) == ("ledger", "error")
        assert re.search(rf"LEDGER_URL: the clock .* is (39|40|44|45) s {way} ours.*time server", fault.text)
    for seconds in (-25, 25):
        assert check(project, connect=True, now=datetime.now(UTC) + timedelta(seconds=seconds)) == []
    assert check(project, now=datetime.now(UTC) + timedelta(hours=1)) == []


def test_connect_tells_a_ledger_that_does_not_answer(project: Project) -> None:
    port = free_port()
    secret = "no-secret-at-all"
    project.environment[f"{PREFIX}LEDGER_URL"] = f"postgresql://ledger:{secret}@127.0.0.1:{port}/ledger"
    (fault,) = check(project, connect=True)
    assert (fault.name, fault.severity) == ("ledger", "error")
    assert "does not answer" in fault.text and secret not in fault.text


def test_connect_tells_a_store_that_cannot_be_written(project: Project) -> None:
    (project.folder / "taken").write_text("a file")
    project.environment["EXPORT_PIPELINES_STORE_URL"] = str(project.folder / "taken" / "store")
    (fault,) = check(project, connect=True)
    assert fault.name == "artifact store" and fault.severity == "error"


def test_connect_leaves_no_artifact_and_no_debris(project: Project) -> None:
    check(project, connect=True)
    left = [path for path in project.home.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert left == [] and not (project.home / "artifacts" / "check").exists()


def test_without_connect_nothing_is_written(project: Project) -> None:
    before = project.tree()
    check(project)
    assert project.tree() == before and not project.home.exists()
