from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines_tests.orchestration.project import DAILY, MONTHLY, WEEKLY, WHOLE, Project


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Of a folder: a tick opens it once more by its reference."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}}) as instance:
        yield instance


def tick(project: Project, export: str, at: datetime, instance: dg.DagsterInstance) -> Any:
    definitions = project.definitions()
    schedule = definitions.resolve_schedule_def(f"{export}_schedule")
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=definitions.get_repository_def()
    )
    return schedule.evaluate_tick(context)


def ask(project: Project, at: datetime, instance: dg.DagsterInstance) -> list[str]:
    """The windows that a tick asks for, in its order; then they are run, as the daemon would."""
    requests = tick(project, "daily", at, instance).run_requests
    for one in requests:
        tags = {"dagster/schedule_name": "daily_schedule"}
        assert project.run("daily", one.partition_key, instance=instance, tags=tags).success
    return [one.run_key for one in requests]


@pytest.mark.parametrize(
    ("text", "cron", "at", "key"),
    [
        (DAILY, "0 2 * * *", datetime(2024, 1, 16, 2, tzinfo=UTC), "2024-01-15"),
        (WEEKLY, "0 2 * * 1", datetime(2024, 1, 22, 2, tzinfo=UTC), "2024-01-14"),
        (MONTHLY, "0 6 2 * *", datetime(2024, 3, 2, 6, tzinfo=UTC), "2024-02-01"),
    ],
)
def test_a_tick_runs_the_last_complete_window(
    project: Project, text: str, cron: str, at: datetime, key: str, instance: dg.DagsterInstance
):
    project.write("one", text.replace("backup", "one"))
    (request,) = tick(project, "one", at, instance).run_requests
    assert (request.partition_key, request.run_key) == (key, key)
    schedule = project.definitions().resolve_schedule_def("one_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "UTC")


def test_a_schedule_is_off_until_a_person_turns_it_on(project: Project, instance: dg.DagsterInstance):
    schedule = project.definitions().resolve_schedule_def("daily_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_a_tick_before_the_first_partition_is_complete_is_skipped_with_the_reason(
    project: Project, instance: dg.DagsterInstance
):
    done = tick(project, "daily", datetime(2024, 1, 1, 2, tzinfo=UTC), instance)
    assert not done.run_requests and "2024-01-01" in str(done.skip_message)


def test_an_export_without_partitions_runs_its_last_days_up_to_midnight(
    project: Project, instance: dg.DagsterInstance
):
    project.write("last", WHOLE + "filter: {last: 7 days}\n")
    (request,) = tick(project, "last", datetime(2024, 1, 16, 4, 30, tzinfo=UTC), instance).run_requests
    config = request.run_config["ops"]["lead__last"]["config"]
    assert (config["start"], config["end"]) == ("2024-01-09T00:00:00.000Z", "2024-01-16T00:00:00.000Z")


def test_an_export_of_the_whole_history_runs_at_every_tick(project: Project, instance: dg.DagsterInstance):
    project.write("whole", WHOLE)
    keys = [
        tick(project, "whole", datetime(2024, 1, day, 4, 30, tzinfo=UTC), instance).run_requests[0].run_key
        for day in (16, 17)
    ]
    assert keys[0] != keys[1]


def test_an_export_without_a_schedule_has_none(project: Project, instance: dg.DagsterInstance):
    project.write("by_hand", "type: lead\nformat: csv\nfields: [lead_id]\n")
    assert {one.name for one in project.definitions().schedules or []} == {"daily_schedule", "sweep_schedule"}


def test_windows_that_a_stopped_daemon_missed_are_asked_for_once_oldest_first(
    project: Project, instance: dg.DagsterInstance
):
    assert ask(project, datetime(2024, 1, 11, 2, tzinfo=UTC), instance) == ["2024-01-10"]
    three_days_later = datetime(2024, 1, 15, 2, tzinfo=UTC)
    missed = ["2024-01-11", "2024-01-12", "2024-01-13", "2024-01-14"]
    assert ask(project, three_days_later, instance) == missed
    assert ask(project, datetime(2024, 1, 16, 2, tzinfo=UTC), instance) == ["2024-01-15"]


def test_more_missed_windows_than_one_tick_takes_are_left_to_the_next(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("export_pipelines.orchestration.schedules.MAX_CAUGHT_UP", 3)
    ask(project, datetime(2024, 1, 11, 2, tzinfo=UTC), instance)
    days = [ask(project, datetime(2024, 1, day, 2, tzinfo=UTC), instance) for day in (17, 18, 19)]
    assert days == [
        ["2024-01-11", "2024-01-12", "2024-01-13"],
        ["2024-01-14", "2024-01-15", "2024-01-16"],
        ["2024-01-17", "2024-01-18"],
    ]


def test_what_a_person_exported_meanwhile_is_not_asked_for(project: Project, instance: dg.DagsterInstance):
    ask(project, datetime(2024, 1, 11, 2, tzinfo=UTC), instance)
    project.run("daily", "2024-01-12", instance=instance)
    assert ask(project, datetime(2024, 1, 14, 2, tzinfo=UTC), instance) == ["2024-01-11", "2024-01-13"]


def test_what_ran_when_the_export_had_other_windows_does_not_count(
    project: Project, instance: dg.DagsterInstance
):
    ask(project, datetime(2024, 1, 18, 2, tzinfo=UTC), instance)  # Wednesday, on which no week begins
    project.write("daily", WEEKLY)
    (request,) = tick(project, "daily", datetime(2024, 1, 29, 2, tzinfo=UTC), instance).run_requests
    assert request.partition_key == "2024-01-21"


def test_a_schedule_that_never_ran_does_not_begin_with_the_whole_history(
    project: Project, instance: dg.DagsterInstance
):
    project.run("daily", "2024-01-03", instance=instance)
    assert ask(project, datetime(2024, 1, 20, 2, tzinfo=UTC), instance) == ["2024-01-19"]
