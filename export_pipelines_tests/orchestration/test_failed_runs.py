"""Every failure is noticed, whoever launched the run; what a person typed wrongly is not told to others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.orchestration.run_tags import BACKFILL_TAG, ON_DEMAND
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import DAILY, NOW, Project
from export_pipelines_tests.orchestration.watching import Watched

DAY = "2024-01-15"
SMALL = DAILY + "limits: {rows: 5}\n"
WHOLE = "type: lead\nformat: csv\nfields: [lead_id]\nlimits: {rows: 5}\n"


@pytest.fixture
def watched(project: Project) -> Iterator[Watched]:
    with stored_instance() as instance:
        yield Watched(project, instance)


def test_a_failed_materialize_is_told_with_export_and_window_and_has_the_tag(watched: Watched) -> None:
    watched.project.write("daily", SMALL)
    assert not watched.materialize("daily", partition_key=DAY).success
    ((export, text),) = watched.alerts()
    assert export == "daily" and text.startswith(f"window {DAY}: ") and "the limit is 5" in text
    assert watched.alerts() == [(export, text)]
    assert len(watched.runs_of("daily")) == 1


def test_a_failure_before_any_window_names_the_windows_that_were_asked_for(watched: Watched) -> None:
    project = watched.project.with_source("sqlite:////nowhere/leads.db")
    project.run("daily", "2024-01-13", "2024-01-15", instance=watched.instance)
    ((export, text),) = watched.alerts()
    assert export == "daily" and text.startswith("window 2024-01-13 to 2024-01-15: ")


def test_a_run_on_demand_that_fails_is_told(watched: Watched) -> None:
    watched.project.write("daily", SMALL)
    assert not on_demand(watched, export="daily", start="2024-01-15", end="2024-01-16").success
    ((export, text),) = watched.alerts()
    assert export == "daily" and text.startswith("window 2024-01-15_2024-01-16: ")
    assert [run.job_name for run in watched.runs_of("daily")] == [ON_DEMAND]


@pytest.mark.parametrize(
    "config",
    [
        {"export": "dialy", "start": "2024-01-15", "end": "2024-01-16"},
        {"export": "daily", "start": "2024-13-15", "end": "2024-01-16"},
        {"export": "daily", "start": "2024-01-16", "end": "2024-01-15"},
        {"export": "daily", "start": "2024-02-16", "end": "2024-03-15"},
        {"export": "daily", "start": "2024-01-15", "end": "2024-01-16", "filter": {"lead_ids": ["x"]}},
        {"export": "daily", "start": "2024-01-15", "end": "2024-01-16", "filter": {"lead_ids": ["0" * 24]}},
    ],
)
def test_what_a_person_typed_wrongly_is_not_told(watched: Watched, config: dict[str, object]) -> None:
    assert not on_demand(watched, **config).success
    assert watched.alerts() == []


def test_a_broken_definition_is_told_whatever_was_typed(watched: Watched) -> None:
    watched.project.write("daily", DAILY.replace("email", "emial"))
    assert not on_demand(watched, export="daily", start="2024-01-15", end="2024-01-16").success
    ((export, text),) = watched.alerts()
    assert export == "daily" and 'did you mean "email"?' in text


def test_a_run_of_two_exports_is_told_for_the_one_that_failed(watched: Watched) -> None:
    watched.project.write("small", SMALL.replace("backup", "small"))
    assert not watched.materialize("daily", "small", partition_key=DAY).success
    ((export, _),) = watched.alerts()
    (run,) = watched.instance.get_runs()
    assert export == "small" and run.tags["export/name"] == "daily, small"


@pytest.mark.parametrize(
    ("began", "text"), [(False, "the run could not be started"), (True, "the run's process died")]
)
def test_a_run_that_ended_before_it_had_its_tag_is_told(watched: Watched, began: bool, text: str) -> None:
    job = watched.project.definitions().resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["lead", "daily"])
    run = watched.instance.create_run_for_job(
        job, asset_selection=frozenset([key]), tags={"dagster/partition": DAY}, run_config=dict(QUIET)
    )
    if began:
        start = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name)
        watched.instance.report_dagster_event(start, run.run_id)
    watched.instance.report_run_failed(run)
    assert watched.alerts() == [("daily", f"window {DAY}: {text}")]


def test_a_backfill_of_the_ui_with_failing_days_is_told_once_when_it_is_over(watched: Watched) -> None:
    watched.project.write("daily", SMALL)
    backfill = PartitionBackfill("abcdefgh", BulkActionStatus.REQUESTED, False, {}, NOW.timestamp())
    watched.instance.add_backfill(backfill)
    for day in ("2024-01-13", "2024-01-14", "2024-01-15"):
        tags = {"dagster/backfill": backfill.backfill_id}
        assert not watched.materialize("daily", partition_key=day, tags=tags).success
    assert watched.alerts() == []
    ended = backfill.with_status(BulkActionStatus.COMPLETED_FAILED)  # type: ignore[no-untyped-call]
    watched.instance.update_backfill(ended)
    ((export, text),) = watched.alerts()
    assert export == "daily" and text.startswith("windows 2024-01-13, 2024-01-14, 2024-01-15: ")
    assert len(watched.alerts()) == 1


def test_a_backfill_of_the_terminal_is_told_once(watched: Watched) -> None:
    watched.project.write("daily", SMALL)
    for day in ("2024-01-13", "2024-01-14"):
        watched.project.run("daily", day, day, instance=watched.instance)
    for run in watched.instance.get_runs():
        watched.instance.add_run_tags(run.run_id, {BACKFILL_TAG: "12345678"})
    assert watched.alerts() == []  # a moment ago it was running
    for minutes in (5, 6):
        watched.tick(datetime.now(UTC) + timedelta(minutes=minutes) - NOW)
    ((export, text),) = watched.noted()
    assert export == "daily" and text.startswith("windows 2024-01-13, 2024-01-14: ")


def test_days_of_a_run_that_were_not_delivered_are_told_together(watched: Watched) -> None:
    for day in ("2024-01-13", "2024-01-14"):
        folder = watched.project.settings.home / "delivered" / "backup" / day
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("in the way", encoding="utf-8")
    watched.project.run("daily", "2024-01-13", "2024-01-15", instance=watched.instance)
    alerts = watched.alerts()
    assert [export for export, _ in alerts] == ["daily"] * len(alerts)
    text = "\n".join(text for _, text in alerts)
    assert "window 2024-01-13 did not arrive at folder" in text and "window 2024-01-14 did not" in text
    assert len(alerts) == 1 and watched.alerts() == alerts


def test_the_nightly_sweep_that_fails_is_told(watched: Watched) -> None:
    run = watched.instance.create_run_for_job(watched.project.definitions().resolve_job_def("sweep"))
    watched.instance.report_run_failed(run)
    assert watched.alerts() == [("sweep", "the run could not be started")]


def on_demand(watched: Watched, **config: object) -> dg.ExecuteInProcessResult:
    job = watched.project.definitions().resolve_job_def(ON_DEMAND)
    return job.execute_in_process(instance=watched.instance, raise_on_error=False, run_config=config)
