"""What a schedule owes: every window since it was turned on that is not written and delivered, each once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from export_pipelines.delivery import Receipt
from export_pipelines.errors import RequestError, RetryableError, Uncertain
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines_tests.dagster_storage import put_storage
from export_pipelines_tests.orchestration.project import DAILY, NOW, Project
from export_pipelines_tests.orchestration.scheduled import (
    day,
    key,
    keys_of,
    queue_request,
    run_requests,
    tick,
    turn_on,
    windows_of,
)

NOWHERE = "sqlite:////nowhere/leads.db"
ROLLING = "type: lead\nformat: csv\nfields: [lead_id]\nschedule: 30 4 * * *\nfilter: {last: 7 days}\n"
WHOLE = "type: lead\nformat: csv\nfields: [lead_id]\nschedule: 30 4 * * *\npartition: null\n"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Of a folder: a tick opens it once more by its reference."""
    folder = tmp_path / "dagster"
    put_storage(folder)
    with dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}}) as instance:
        yield instance


@pytest.fixture
def ledger(project: Project) -> Ledger:
    return open_ledger(project.settings.ledger_url.get_secret_value())


def first(number: int) -> str:
    """The run key of a day's first attempt."""
    return f"{key(number)} 1"


def test_a_tick_that_is_evaluated_again_gives_the_same_list_whatever_its_runs_did(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(8, 12))
    asked = tick(project, day(15), instance)
    assert keys_of(asked) == [first(number) for number in range(8, 15)]
    succeeded, failed, running, created, *_ = asked.run_requests
    assert run_requests(project, [succeeded], day(15), instance) == [True]
    assert run_requests(project.with_source(NOWHERE), [failed], day(15), instance) == [False]
    queue_request(project, running, day(15), instance, dg.DagsterRunStatus.STARTED)
    queue_request(project, created, day(15), instance, dg.DagsterRunStatus.NOT_STARTED)
    assert keys_of(tick(project, day(15), instance)) == keys_of(asked)


def test_what_a_tick_did_not_come_to_is_asked_for_by_the_next(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(8, 12))
    ran, waiting, created, *_ = tick(project, day(15), instance).run_requests
    assert run_requests(project, [ran], day(15), instance) == [True]
    queue_request(project, waiting, day(15), instance, dg.DagsterRunStatus.STARTING)
    queue_request(
        project, created, day(15), instance, dg.DagsterRunStatus.NOT_STARTED
    )  # killed before its queue
    later = keys_of(tick(project, day(16), instance))
    assert later == [f"{key(10)} 2", *(first(number) for number in range(11, 16))]


def test_a_window_that_failed_is_asked_for_again_though_a_later_one_ran(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(13, 12))
    assert run_requests(
        project.with_source(NOWHERE), tick(project, day(14), instance).run_requests, day(14), instance
    ) == [False]
    asked = tick(project, day(15), instance)
    assert keys_of(asked) == [f"{key(13)} 2", first(14)]
    later = asked.run_requests[1:]
    assert run_requests(project, later, day(15), instance) == [True]
    mending = tick(project, day(16), instance)
    assert keys_of(mending) == [f"{key(13)} 2", first(15)]
    assert run_requests(project, mending.run_requests, day(16), instance) == [True, True]
    assert keys_of(tick(project, day(17), instance)) == [first(16)]


def test_another_cron_line_exports_no_window_again_and_none_before_it_was_turned_on(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(10, 1))  # its first tick is an hour later
    asked = tick(project, day(10), instance)
    assert keys_of(asked) == [first(9)]
    assert run_requests(project, asked.run_requests, day(10), instance) == [True]
    project.write("daily", DAILY.replace("daily at 02:00", "daily at 17:30"))
    again = tick(project, day(10, 17, 30), instance)
    assert keys_of(again) == [] and "every window is written and delivered" in str(again.skip_message)
    assert keys_of(tick(project, day(11, 17, 30), instance)) == [first(10)]


def test_a_month_under_a_weekly_cron_line_runs_once(project: Project, instance: dg.DagsterInstance) -> None:
    text = "type: lead\nformat: csv\nfields: [lead_id]\npartition: monthly\nschedule: 0 2 * * 1\n"
    project.write("month", text)
    turn_on(instance, day(1, 12), "month", "0 2 * * 1")
    asked = tick(project, day(8), instance, "month")
    assert windows_of(asked) == ["2023-12-01"]
    assert run_requests(project, asked.run_requests, day(8), instance, "month") == [True]
    mondays = [day(8) + timedelta(weeks=week) for week in range(1, 6)]
    assert [windows_of(tick(project, at, instance, "month")) for at in mondays] == [
        [],
        [],
        [],
        ["2024-01-01"],
        ["2024-01-01"],
    ]


def test_only_windows_since_the_schedule_was_turned_on_are_owed(
    project: Project, instance: dg.DagsterInstance
) -> None:
    state = turn_on(instance, day(5, 12))
    assert keys_of(tick(project, day(8), instance)) == [first(5), first(6), first(7)]
    instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))
    instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
    assert keys_of(tick(project, day(8), instance)) == [first(7)]  # off: what a person tries shows one window
    turn_on(instance, day(12, 12))
    assert keys_of(tick(project, day(14), instance)) == [first(12), first(13)]


def test_windows_exported_by_hand_count_when_nothing_but_the_window_was_given(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(10, 12))
    assert project.run("daily", key(10), instance=instance).success
    assert project.run("daily", key(12), key(13), instance=instance).success
    run_config = {"ops": {"lead__daily": {"config": {"filter": {"where": {"outcome": "success"}}}}}, **QUIET}
    job = project.definitions().resolve_job_def("daily")
    assert job.execute_in_process(instance=instance, partition_key=key(11), run_config=run_config).success
    assert keys_of(tick(project, day(15), instance)) == [first(11), first(14)]


def test_a_window_exported_by_hand_counts_when_its_content_is_todays_and_later_whatever_it_was(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(10, 12))
    assert project.run("daily", key(10), instance=instance).success
    project.write("daily", DAILY.replace("outcome, price", "outcome"))
    assert keys_of(tick(project, day(11), instance)) == [first(10)]
    assert keys_of(tick(project, day(15), instance)) == [first(number) for number in range(11, 15)]
    project.write("daily", DAILY.replace("backup/", "elsewhere/"))
    assert keys_of(tick(project, day(11), instance)) == []


def test_what_the_schedule_exported_stays_done_when_the_definition_changes(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(10, 12))
    assert run_requests(project, tick(project, day(11), instance).run_requests, day(11), instance) == [True]
    project.write("daily", DAILY.replace("outcome, price", "outcome"))
    assert keys_of(tick(project, day(12), instance)) == [first(11)]


def test_a_day_is_not_the_week_that_begins_with_it(project: Project, instance: dg.DagsterInstance) -> None:
    turn_on(instance, day(7, 12))
    asked = tick(project, day(8), instance)  # of the 7th, a Sunday
    assert run_requests(project, asked.run_requests, day(8), instance) == [True]
    project.write("daily", DAILY.replace("daily at 02:00", "weekly at 02:00").replace("partition: daily", ""))
    assert windows_of(tick(project, day(14), instance)) == [key(7)]


def test_windows_in_the_hands_of_a_persons_run_are_left_to_it(
    project: Project, instance: dg.DagsterInstance
) -> None:
    turn_on(instance, day(8, 12))
    job = project.definitions().resolve_job_def("daily")
    several = {"dagster/asset_partition_range_start": key(9), "dagster/asset_partition_range_end": key(11)}
    for tags in (several, {"dagster/partition": key(13)}):
        instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    instance.create_run_for_job(job, tags={"dagster/partition": key(12)}, status=dg.DagsterRunStatus.FAILURE)
    assert keys_of(tick(project, day(15), instance)) == [first(8), first(12), first(14)]


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (RetryableError("refused"), []),  # on its way: the ledger tries again
        (Uncertain("it may have arrived"), []),  # a person was told; another mail would be one too many
        (RequestError("no such folder"), [f"{key(10)} 1"]),
    ],
)
def test_a_window_that_is_written_is_asked_for_again_when_its_delivery_failed_for_good(
    project: Project, instance: dg.DagsterInstance, ledger: Ledger, error: Exception, asked: list[str]
) -> None:
    turn_on(instance, day(10, 12))
    project.run("daily", key(10), instance=instance)
    (delivery,) = ledger.deliveries("daily")
    with pytest.raises(type(error)), ledger.claim(delivery.id, lambda: NOW, again=True):
        raise error
    assert keys_of(tick(project, day(11), instance)) == asked


def test_an_artifact_that_is_gone_from_the_store_stays_done(
    project: Project, instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    turn_on(instance, day(10, 12))
    project.run("daily", key(10), instance=instance)
    (manifest,) = project.store.manifests("daily")
    project.store.remove(manifest.artifact)
    assert keys_of(tick(project, day(11), instance)) == []
    assert isinstance(ledger.deliveries("daily")[0].receipt, Receipt)


def test_the_days_of_all_ticks_that_were_missed_are_owed_where_no_calendar_names_the_windows(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", ROLLING)
    turn_on(instance, day(10, 12), cron="30 4 * * *")
    asked = tick(project, day(13, 4, 30), instance)
    ends = [window.partition("_")[2] for window in windows_of(asked)]
    assert ends == [key(11), key(12), key(13)]
    assert run_requests(project, asked.run_requests[:1], day(13, 4, 30), instance) == [True]
    assert run_requests(project.with_source(NOWHERE), asked.run_requests[1:], day(13, 4, 30), instance) == [
        False,
        False,
    ]
    project.write("daily", ROLLING.replace("30 4", "0 6"))
    again = tick(project, day(14, 6), instance)
    ends = [window.partition("_")[2] for window in windows_of(again)]
    assert ends == [key(12), key(13), key(14)]
    config = again.run_requests[0].run_config["ops"]["lead__daily"]["config"]
    assert (config["start"][:10], config["end"][:10]) == (key(5), key(12))


def test_the_whole_history_is_owed_once_a_tick(project: Project, instance: dg.DagsterInstance) -> None:
    project.write("daily", WHOLE)
    turn_on(instance, day(9, 12), cron="30 4 * * *")
    asked = tick(project, day(10, 4, 30), instance, now=lambda: day(10, 5))
    assert len(asked.run_requests) == 1
    assert run_requests(project, asked.run_requests, day(10, 4, 30), instance) == [True]
    assert keys_of(tick(project, day(10, 4, 30), instance)) == keys_of(asked)
    assert keys_of(tick(project, NOW + timedelta(days=1), instance)) == ["2024-02-21T08:30:00.000Z 1"]


def test_outside_of_the_quiet_hours_nothing_is_asked_for(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", DAILY + 'quiet_hours: "01:00-06:00"\n')
    turn_on(instance, day(10, 12))
    late = tick(project, day(11), instance, now=lambda: day(11, 9))  # the daemon was off until nine
    assert keys_of(late) == [] and "quiet hours" in str(late.skip_message)
    assert keys_of(tick(project, day(11), instance, now=lambda: day(11, 5))) == [first(10)]
