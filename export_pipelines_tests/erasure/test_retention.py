"""What no longer has to be kept goes, and nothing else."""

import errno
import operator
import shutil
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.errors import RequestError, RetryableError
from export_pipelines.ledger import RunLeases, open_ledger
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import NOW, Answer, Project
from export_pipelines_tests.ledger.attempts import receipt_of
from export_pipelines_tests.orchestration.conftest import project as dagster_project  # noqa: F401
from export_pipelines_tests.orchestration.conftest import source  # noqa: F401
from export_pipelines_tests.orchestration.project import NOW as TODAY
from export_pipelines_tests.orchestration.project import Project as DagsterProject

KEPT = "type: lead\nformat: csv\nfields: [lead_id]\npartition: daily\nretention: 30 days\n"
ENTRY: StoredEntry = {"kind": "folder", "settings": {"path": "x", "overwrite": "replace"}}


@pytest.fixture
def ages(project: Project) -> dict[str, str]:
    """Artifacts by what they are, in a store with exports `kept` (30 days) and `daily` (for ever)."""
    project.write("kept", KEPT)
    store = open_store(project.settings.store_url)
    manifests = {}
    for name, export, days in (
        ("old", "kept", 31),
        ("new", "kept", 29),
        ("for ever", "daily", 400),
        ("on its way", "kept", 32),
        ("failed", "kept", 33),
    ):
        at = NOW - timedelta(days=days)
        manifests[name] = stored(store, export=export, token=f"{at:%Y%m%dT%H%M%SZ}-0a1b2c", at=at)
    ledger = open_ledger(project.settings.ledger_url.get_secret_value())
    for name, error in (
        ("on its way", RetryableError("refused")),
        ("failed", RequestError("no such bucket")),
    ):
        (delivery,) = ledger.register(manifests[name], [ENTRY], None, NOW)
        with pytest.raises(type(error)), ledger.claim(delivery.id, lambda: NOW):
            raise error
    return {name: manifest.artifact for name, manifest in manifests.items()}


def left(terminal: Terminal) -> set[str]:
    return {str(row["artifact"]) for row in data(terminal("artifacts", "--json"))}


def test_what_is_over_goes_and_nothing_else(
    terminal: Terminal, project: Project, ages: dict[str, str]
) -> None:
    assert data(terminal("sweep", "--dry-run", "--json")) == [ages["old"]]
    assert left(terminal) == set(ages.values())
    answer: Answer = terminal("sweep")
    assert answer.code == 0
    assert ages["old"] in answer.stdout
    assert left(terminal) == set(ages.values()) - {ages["old"]}
    assert "nothing to remove" in terminal("sweep").stderr + terminal("sweep").stdout


def test_what_cannot_be_removed_keeps_nothing_else(
    terminal: Terminal, project: Project, ages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another artifact, nor what a killed run left."""
    store, at = open_store(project.settings.store_url), NOW - timedelta(days=50)
    first = stored(store, export="kept", token=f"{at:%Y%m%dT%H%M%SZ}-0a1b2c", at=at).artifact
    dead = project.home / "artifacts" / "kept" / "2024-01-01" / "20240101T000000Z-ffffff"
    dead.mkdir(parents=True)
    remove = shutil.rmtree

    def refuse(folder: Path, **options: Any) -> None:
        if str(folder).endswith(first):
            raise OSError(errno.EBUSY, "Device or resource busy")
        remove(folder, **options)

    monkeypatch.setattr("export_pipelines.artifacts.folder.staging.shutil.rmtree", refuse)
    answer: Answer = terminal("sweep")
    assert answer.code == 1
    assert ages["old"] in answer.stdout and not dead.exists()
    assert f"error: {first}: " in answer.stderr and "Device or resource busy" in answer.stderr
    assert left(terminal) == set(ages.values()) - {ages["old"]}
    monkeypatch.undo()
    assert terminal("sweep").code == 0
    assert not (project.home / "artifacts" / first).exists()


def test_a_damaged_manifest_is_named_when_its_time_is_over(
    terminal: Terminal, project: Project, ages: dict[str, str]
) -> None:
    for name in ("old", "new", "for ever"):
        (project.home / "artifacts" / ages[name] / "manifest.json").write_text("{")
    for arguments in (("--dry-run",), ()):
        answer: Answer = terminal("sweep", *arguments)
        assert answer.code == 0 and answer.stderr.count("warning: ") == 1
        assert f"warning: {ages['old']}: its retention is over" in answer.stderr
        assert f"export-pipelines erase {ages['old']}" in answer.stderr
    assert terminal("erase", ages["old"], "--yes").code == 0
    assert "warning" not in terminal("sweep").stderr


def test_what_another_process_sends_again_is_kept(
    terminal: Terminal, project: Project, ages: dict[str, str]
) -> None:
    ledger = open_ledger(project.settings.ledger_url.get_secret_value())
    manifest = open_store(project.settings.store_url).manifest(ages["old"])
    (delivery,) = ledger.register(manifest, [ENTRY], None, NOW)
    with ledger.claim(delivery.id, lambda: NOW) as attempt:
        attempt.receipt = receipt_of(manifest)
    with ledger.locks.hold(delivery.lock_key):  # another attempt, about to begin
        assert "nothing to remove" in terminal("sweep").stdout
    assert left(terminal) == set(ages.values())
    assert ages["old"] in terminal("sweep").stdout


def test_leases_of_runs_that_ended_long_ago_go(terminal: Terminal, project: Project) -> None:
    engine = open_ledger(project.settings.ledger_url.get_secret_value()).engine
    for run_id, days in (("old", 31), ("new", 29)):
        leases = RunLeases(engine, partial(operator.sub, NOW, timedelta(days=days)))
        leases.take(run_id, run_id, "host:1")
        leases.end(run_id)
    assert terminal("sweep").code == 0
    assert RunLeases(engine).of("old") is None and RunLeases(engine).of("new")


def test_dagster_does_it_every_night(dagster_project: DagsterProject) -> None:  # noqa: F811
    project = dagster_project
    project.write("kept", KEPT)
    assert project.run("kept", "2024-01-15").success
    assert project.run("daily", "2024-01-15").success
    defs = project.definitions(project.opened(lambda: TODAY + timedelta(days=31)))
    schedule = defs.resolve_schedule_def("sweep_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert defs.resolve_job_def("sweep").execute_in_process().success
    assert [manifest.export for manifest in project.store.manifests()] == ["daily"]


def test_dagster_names_what_could_not_be_removed_and_fails(
    dagster_project: DagsterProject,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = dagster_project
    project.write("kept", KEPT)
    for day in ("2024-01-15", "2024-01-16"):
        assert project.run("kept", day).success
    later, first = (manifest.artifact for manifest in project.store.manifests("kept"))
    remove = shutil.rmtree

    def refuse(folder: Path, **options: Any) -> None:
        if str(folder).endswith(first):
            raise OSError(errno.EBUSY, "Device or resource busy")
        remove(folder, **options)

    monkeypatch.setattr("export_pipelines.artifacts.folder.staging.shutil.rmtree", refuse)
    defs = project.definitions(project.opened(lambda: TODAY + timedelta(days=31)))
    result = defs.resolve_job_def("sweep").execute_in_process(raise_on_error=False)
    (failure,) = (event for event in result.all_events if event.event_type_value == "STEP_FAILURE")
    assert first in str(failure.event_specific_data) and "Device or resource busy" in str(
        failure.event_specific_data
    )
    folders = {path.parent.name for path in Path(project.store.location("kept")).glob("*/*")}
    assert folders == {first.split("/")[1]} != {later.split("/")[1]}
