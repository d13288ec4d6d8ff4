from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines_tests.dagster_storage import put_storage
from export_pipelines_tests.orchestration.project import DAILY, MONTHLY, WEEKLY, WHOLE, Project
from export_pipelines_tests.orchestration.scheduled import day, key, run_requests, tick, turn_on


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Of a folder: a tick opens it once more by its reference."""
    folder = tmp_path / "dagster"
    put_storage(folder)
    with dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}}) as instance:
        yield instance


def ask(project: Project, at: datetime, instance: dg.DagsterInstance) -> list[str]:
    """The windows that a tick asks for, in its order; then they are run, as the daemon would."""
    requests = tick(project, at, instance).run_requests
    assert all(run_requests(project, requests, at, instance))
    return [str(request.partition_key) for request in requests]


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
) -> None:
    project.write("one", text.replace("backup", "one"))
    (request,) = tick(project, at, instance, "one").run_requests
    assert (request.partition_key, request.run_key) == (key, f"{key} 1")
    assert request.tags["dagster/priority"] == "1"  # before backfills, which have none
    schedule = project.definitions().resolve_schedule_def("one_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "UTC")


def test_a_schedule_is_off_until_a_person_turns_it_on(project: Project, instance: dg.DagsterInstance) -> None:
    schedule = project.definitions().resolve_schedule_def("daily_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_a_tick_before_the_first_partition_is_complete_is_skipped_with_the_reason(
    project: Project, instance: dg.DagsterInstance
) -> None:
    done = tick(project, day(1), instance)
    assert not done.run_requests and "2024-01-01" in str(done.skip_message)


def test_an_export_without_partitions_runs_its_last_days_up_to_midnight(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("last", WHOLE + "filter: {last: 7 days}\n")
    (request,) = tick(project, day(16, 4, 30), instance, "last").run_requests
    config = request.run_config["ops"]["lead__last"]["config"]
    assert (config["start"], config["end"]) == ("2024-01-09T00:00:00.000Z", "2024-01-16T00:00:00.000Z")


def test_an_export_of_the_whole_history_runs_at_every_tick(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("whole", WHOLE)
    keys = [
        tick(project, day(number, 4, 30), instance, "whole").run_requests[0].run_key for number in (16, 17)
    ]
    assert keys[0] != keys[1]


def test_an_export_without_a_schedule_has_none(project: Project, instance: dg.DagsterInstance) -> None:
    project.write("by_hand", "type: lead\nformat: csv\nfields: [lead_id]\n")
    assert {schedule.name for schedule in project.definitions().schedules or []} == {
        "daily_schedule",
        "sweep_schedule",
    }


def test_windows_that_a_stopped_daemon_missed_are_asked_for_once_oldest_first(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(10, 12))
    assert ask(project, day(11), instance) == [key(10)]
    assert ask(project, day(15), instance) == [key(11), key(12), key(13), key(14)]
    assert ask(project, day(16), instance) == [key(15)]


def test_more_missed_windows_than_one_tick_takes_are_left_to_the_next(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export_pipelines.orchestration.schedules.MAX_CAUGHT_UP", 3)
    turn_on(instance, day(10, 12))
    days = [ask(project, day(number), instance) for number in (17, 18, 19)]
    assert days == [[key(10), key(11), key(12)], [key(13), key(14), key(15)], [key(16), key(17), key(18)]]


def test_a_schedule_that_never_ran_does_not_begin_with_the_whole_history(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.run("daily", "2024-01-03", instance=instance)
    turn_on(instance, day(20, 1))
    assert ask(project, day(20), instance) == ["2024-01-19"]
