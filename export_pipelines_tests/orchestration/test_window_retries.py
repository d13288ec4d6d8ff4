"""The sensor that asks again for what a schedule did not get: with pauses, as long as the export says, then one alert."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.test_utils import freeze_time

from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.orchestration.window_retries import pause_after
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import DAILY, Project
from export_pipelines_tests.orchestration.scheduled import (
    keys_of,
    run_requests,
    tick,
    ticked,
    turn_on,
    windows_of,
)

NOWHERE = "sqlite:////nowhere/leads.db"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
START = datetime.now(UTC).replace(microsecond=0)  # runs bear the time at which they are made
TICK = START.replace(second=0) - 10 * MINUTE


def clock() -> datetime:
    return datetime.now(UTC)


CRON = f"{TICK.minute} {TICK.hour} * * *"
SOON = DAILY.replace("daily at 02:00", CRON).replace("start: 2024-01-01", f"start: {(TICK - 9 * DAY).date()}")


@pytest.fixture
def project(project: Project) -> Project:
    project.write("daily", SOON)
    return project


@pytest.fixture
def ledger(project: Project) -> Ledger:
    return open_ledger(project.settings.ledger_url.get_secret_value())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance() as instance:
        yield instance


def sense(project: Project, instance: dg.DagsterInstance, after: timedelta) -> Any:
    """What the sensor asks for so long after the test began."""
    now = datetime.now(UTC) + after
    definitions = project.definitions(project.opened(lambda: now))
    context = dg.build_sensor_context(instance=instance, repository_def=definitions.get_repository_def())
    with freeze_time(now):
        return definitions.resolve_sensor_def("retry_windows").evaluate_tick(context)


@pytest.fixture
def failed(project: Project, instance: dg.DagsterInstance) -> list[str]:
    """The windows of a tick that was ten minutes ago, of which all but the last failed."""
    turn_on(instance, TICK - 3 * DAY + MINUTE, cron=CRON)
    asked = tick(project, TICK, instance).run_requests
    assert run_requests(project.with_source(NOWHERE), asked[:-1], TICK, instance, now=clock) == [False, False]
    assert run_requests(project, asked[-1:], TICK, instance, now=clock) == [True]
    ticked(instance, TICK)
    return [str(request.partition_key) for request in asked[:-1]]


def again(project: Project, asked: dg.SensorResult, instance: dg.DagsterInstance) -> list[bool]:
    """As the daemon runs what a sensor asks for."""
    job = project.definitions(project.opened(clock)).resolve_job_def("daily")
    tags = {"dagster/sensor_name": "retry_windows"}
    return [
        job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            partition_key=run_request.partition_key,
            tags={**run_request.tags, **tags, "dagster/run_key": str(run_request.run_key)},
        ).success
        for run_request in asked.run_requests or ()
    ]


def test_failed_windows_are_asked_for_again_after_a_pause_that_grows(
    project: Project, instance: dg.DagsterInstance, failed: list[str]
) -> None:
    assert keys_of(sense(project, instance, 4 * MINUTE)) == []
    second = sense(project, instance, 6 * MINUTE)
    assert keys_of(second) == [f"{key} 2" for key in failed]
    assert again(project.with_source(NOWHERE), second, instance) == [False, False]
    assert keys_of(sense(project, instance, 14 * MINUTE)) == []
    third = sense(project, instance, 16 * MINUTE)
    assert keys_of(third) == [f"{key} 3" for key in failed]
    assert again(project, third, instance) == [True, True]
    assert keys_of(sense(project, instance, DAY - 20 * MINUTE)) == []


def test_pauses_grow_from_minutes_to_half_a_day() -> None:
    hours = [pause_after(attempts).total_seconds() / 3600 for attempts in range(9)]
    assert hours == pytest.approx([0, 1 / 12, 1 / 4, 3 / 4, 2.25, 6.75, 12, 12, 12])


def test_a_window_that_no_run_was_made_for_is_asked_for_at_once(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, TICK - 2 * DAY + MINUTE, cron=CRON)
    ticked(instance, TICK, status=TickStatus.SKIPPED)
    assert len(keys_of(sense(project, instance, timedelta()))) == 2


@pytest.mark.parametrize("status", [None, TickStatus.STARTED])
def test_nothing_is_asked_while_the_scheduler_owes_a_tick(
    project: Project, instance: dg.DagsterInstance, status: TickStatus | None
) -> None:
    turn_on(instance, TICK - 2 * DAY + MINUTE, cron=CRON)
    if status:
        ticked(instance, TICK, status=status)
    assert keys_of(sense(project, instance, timedelta())) == []


def test_nothing_is_asked_shortly_before_a_tick_nor_in_the_wrong_hours_nor_for_one_that_is_off(
    project: Project, instance: dg.DagsterInstance, failed: list[str]
) -> None:
    assert len(keys_of(sense(project, instance, 30 * MINUTE))) == 2
    assert keys_of(sense(project, instance, DAY - 12 * MINUTE)) == []
    hours = f"{TICK:%H:%M}-{TICK + 20 * MINUTE:%H:%M}"
    project.write("daily", SOON + f'quiet_hours: "{hours}"\n')
    assert keys_of(sense(project, instance, 30 * MINUTE)) == []
    project.write("daily", SOON)
    (state,) = instance.all_instigator_state()
    instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
    assert keys_of(sense(project, instance, 30 * MINUTE)) == []


def test_a_run_that_a_person_ended_is_left_to_the_next_tick(
    project: Project, instance: dg.DagsterInstance, failed: list[str]
) -> None:
    ended, _ = sense(project, instance, 6 * MINUTE).run_requests
    job = project.definitions().resolve_job_def("daily")
    instance.create_run_for_job(job, tags=ended.tags, status=dg.DagsterRunStatus.CANCELED)
    assert windows_of(sense(project, instance, 30 * MINUTE)) == failed[1:]
    assert keys_of(tick(project, TICK + DAY, instance))[0] == f"{failed[0]} 3"


def test_windows_that_failed_for_as_long_as_the_export_says_are_named_in_one_alert_and_left_alone(
    project: Project, instance: dg.DagsterInstance, failed: list[str], ledger: Ledger
) -> None:
    for after in (3 * DAY, 3 * DAY + MINUTE):
        ticked(instance, TICK + 3 * DAY)
        over = sense(project, instance, after)
        assert not set(failed) & set(windows_of(over))
    (alert,) = ledger.open_alerts()
    assert (alert.export, alert.kind) == ("daily", "failure")
    first, second = alert.text.splitlines()
    assert first.startswith(f"window {failed[0]}: given up after 1 attempt: ") and failed[1] in second
    assert "there is no database" in first
    assert alert.then == f"export-pipelines backfill daily --from {failed[0]} --to {failed[1]}"
    with freeze_time(TICK + 4 * DAY):
        later = tick(project, TICK + 4 * DAY, instance)
    assert not set(failed) & set(windows_of(later)) and len(windows_of(later)) == 4


def test_an_export_says_how_long_it_is_tried(
    project: Project, instance: dg.DagsterInstance, failed: list[str], ledger: Ledger
) -> None:
    project.write("daily", SOON.replace(CRON, f"{{when: '{CRON}', retry_for: 1 day}}"))
    ticked(instance, TICK + DAY)
    assert not set(failed) & set(windows_of(sense(project, instance, DAY)))
    assert len(ledger.open_alerts()) == 1


def test_a_run_whose_process_never_came_up_is_asked_for_again_at_once_but_the_next_after_a_pause(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, TICK - DAY + MINUTE, cron=CRON)
    ticked(instance, TICK)
    job = project.definitions().resolve_job_def("daily")
    for asked_at_once in (1, 0):
        asked = sense(project, instance, MINUTE).run_requests
        assert len(asked) == 1
        run = instance.create_run_for_job(job, tags=asked[0].tags)
        instance.report_run_failed(run)
        assert len(keys_of(sense(project, instance, MINUTE))) == asked_at_once


def test_a_window_that_is_given_up_later_than_its_neighbour_has_an_alert_of_its_own(
    project: Project, instance: dg.DagsterInstance, failed: list[str], ledger: Ledger
) -> None:
    job = project.definitions().resolve_job_def("daily")
    tags = {"dagster/partition": failed[1]}
    run = instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    ticked(instance, TICK + 3 * DAY)
    sense(project, instance, 3 * DAY)
    instance.report_run_failed(run)
    sense(project, instance, 3 * DAY + MINUTE)
    first, second = ledger.open_alerts()
    assert failed[0] in first.text and failed[1] not in first.text
    assert failed[1] in second.text and failed[0] not in second.text
