"""Runs whose worker died: ended and asked for again, once; no other run is touched."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.api import execute_run
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    WILL_RETRY_TAG,
)
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import (
    consume_new_runs_for_automatic_reexecution,
)
from pydantic import SecretStr

from export_pipelines.ledger import RunLeases, open_ledger
from export_pipelines.ledger.tables import artifacts, attempts, deliveries, journal
from export_pipelines.orchestration import lost_runs, run_again
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failed_runs import DIED, failed_runs
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.orchestration.lost_runs import end_lost_runs, retry_again, send_again
from export_pipelines.orchestration.requests import RequestedRuns
from export_pipelines.orchestration.run_tags import EXPORT_TAG, LOST_TAG
from export_pipelines.project import Project as Opened
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import Project
from export_pipelines_tests.orchestration.stored_runs import (
    RETRIES,
    STARTED,
    STARTING,
    Runs,
    daily,
    set_status,
)

FAILURE, CANCELED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    with dg.instance_for_test(overrides=RETRIES) as instance:
        yield Runs(instance, RunLeases(ledger.engine))
    ledger.engine.dispose()


def test_a_run_whose_lease_is_over_is_ended_and_asked_for_again_once(runs: Runs) -> None:
    lost, living = runs.new(lease="over"), runs.new(lease="living")
    assert end_lost_runs(runs.instance, runs.leases) == [lost]
    assert end_lost_runs(runs.instance, runs.leases) == []
    assert (runs.status(lost), runs.status(living)) == (FAILURE, STARTED)
    tags = runs.run(lost).tags
    assert tags[WILL_RETRY_TAG] == "true" and tags[LOST_TAG] == lost
    failures = runs.instance.all_logs(lost, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert len(failures) == 1


def test_a_run_in_whose_place_another_runs_is_not_asked_for_again(runs: Runs) -> None:
    """A person who executes a run again twice has the later one: the earlier ends, and no third ends the later."""
    root = runs.new(dg.DagsterRunStatus.SUCCESS)
    earlier, later = runs.again(root), runs.again(root)
    assert runs.leases.replacement(earlier) == later and runs.leases.replacement(later) is None
    assert end_lost_runs(runs.instance, runs.leases) == [earlier]
    assert (runs.status(earlier), runs.status(later)) == (FAILURE, STARTED)
    assert LOST_TAG not in runs.run(earlier).tags and runs.run(earlier).tags[WILL_RETRY_TAG] == "false"


def test_the_run_in_the_place_of_a_lost_one_is_not_tried_again_for_its_own_fault(tmp_path: Path) -> None:
    """Whatever Dagster does where nothing is said: a failed step is tried again."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    retries = {"run_retries": {"enabled": True, "max_retries": 0}}
    with dg.instance_for_test(overrides=retries) as instance:
        replacement_that_fails(Runs(instance, RunLeases(ledger.engine)))
    ledger.engine.dispose()


def replacement_that_fails(runs: Runs) -> None:
    lost = runs.new(lease="over")
    end_lost_runs(runs.instance, runs.leases)
    tags = runs.run(lost).tags
    instead = runs.instance.create_run_for_job(daily, parent_run_id=lost, root_run_id=lost, tags=tags)
    failed = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_FAILURE.value,
        job_name="daily",
        event_specific_data=JobFailureData(None, RunFailureReason.STEP_FAILURE),
    )
    runs.instance.report_dagster_event(failed, instead.run_id)
    assert runs.run(instead.run_id).tags[WILL_RETRY_TAG] == "false"


def consume_in_vain(instance: dg.DagsterInstance) -> None:
    """What Dagster's daemon does with a run that failed, while its storage is away."""

    def away() -> None:
        raise sa.exc.OperationalError("INSERT", None, OSError("server closed the connection unexpectedly"))

    (record,) = instance.get_run_records(dg.RunsFilter(statuses=[FAILURE]))
    workspace: Any = SimpleNamespace(instance=instance, create_request_context=away)
    list(consume_new_runs_for_automatic_reexecution(workspace, [record], logging.getLogger(__name__)))


@pytest.mark.parametrize("is_made", [False, True])
def test_a_retry_that_dagster_gave_up_is_asked_for_again(runs: Runs, is_made: bool) -> None:
    """As where its storage restarts while it makes the run in the place of a lost one."""
    lost = runs.new(lease="over")
    end_lost_runs(runs.instance, runs.leases)
    assert retry_again(runs.instance) == []  # Dagster has not tried yet
    if is_made:
        new = runs.in_place_of(lost)
    consume_in_vain(runs.instance)
    assert runs.run(lost).tags[WILL_RETRY_TAG] == "false"
    assert retry_again(runs.instance) == [lost] and retry_again(runs.instance) == []
    assert runs.run(lost).tags[WILL_RETRY_TAG] == "true"
    if is_made:
        set_status(runs.instance, new, STARTING)
        runs.instance.add_run_tags(lost, {WILL_RETRY_TAG: "false"})
        assert retry_again(runs.instance) == []  # its successor has begun


def test_a_retry_that_dagster_overlooked_is_asked_for_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its daemon read the failure before the run's state was stored."""
    lost = runs.new(lease="over")
    end_lost_runs(runs.instance, runs.leases)
    assert runs.run(lost).tags[WILL_RETRY_TAG] == "true" and retry_again(runs.instance) == []
    monkeypatch.setattr(lost_runs, "OVERLOOKED_AFTER", timedelta(0))
    assert retry_again(runs.instance) == [lost]
    new = runs.in_place_of(lost)
    runs.instance.add_run_tags(lost, {AUTO_RETRY_RUN_ID_TAG: new.run_id})
    assert retry_again(runs.instance) == []


def test_a_run_that_was_lost_too_often_is_given_up(runs: Runs) -> None:
    lost = runs.new(lease="over")
    end_lost_runs(runs.instance, runs.leases)
    for _ in range(run_again.MAX_LOST):
        runs.in_place_of(lost)
    runs.instance.add_run_tags(lost, {WILL_RETRY_TAG: "false"})
    assert retry_again(runs.instance) == []


def test_a_run_in_the_place_of_a_lost_one_that_fails_itself_is_not_asked_for_again(runs: Runs) -> None:
    lost = runs.new(lease="over")
    end_lost_runs(runs.instance, runs.leases)
    new = runs.in_place_of(lost)
    runs.instance.add_run_tags(lost, {AUTO_RETRY_RUN_ID_TAG: new.run_id})
    runs.instance.report_run_failed(new)
    runs.instance.add_run_tags(new.run_id, {WILL_RETRY_TAG: "false"})
    assert retry_again(runs.instance) == []


def test_a_run_that_fails_otherwise_is_not_asked_for_again(runs: Runs) -> None:
    failed = runs.new(lease="living")
    runs.instance.report_run_failed(runs.run(failed))
    assert runs.run(failed).tags[WILL_RETRY_TAG] == "false"


def test_a_stream_whose_worker_died_is_ended_and_left_to_its_own_sensor(runs: Runs) -> None:
    lost = runs.new(lease="over")
    assert end_lost_runs(runs.instance, runs.leases, not_again=["daily"]) == [lost]
    assert runs.run(lost).tags[WILL_RETRY_TAG] == "false"


def test_a_run_that_was_being_cancelled_when_its_worker_died_is_cancelled(runs: Runs) -> None:
    lost = runs.new(dg.DagsterRunStatus.CANCELING, "over")
    assert end_lost_runs(runs.instance, runs.leases) == [lost]
    assert runs.status(lost) is CANCELED and WILL_RETRY_TAG not in runs.run(lost).tags


def test_who_was_killed_after_a_lease_was_ended_and_before_its_run_is_made_good(runs: Runs) -> None:
    lost = runs.new(lease="ended")
    assert end_lost_runs(runs.instance, runs.leases) == [lost]
    assert runs.status(lost) is FAILURE


def test_runs_of_the_terminal_have_no_lease_and_are_left_alone(runs: Runs) -> None:
    mine = runs.new()
    assert end_lost_runs(runs.instance, runs.leases) == [] and runs.status(mine) is STARTED


def test_the_lease_of_a_run_that_ended_by_itself_is_closed(runs: Runs) -> None:
    done = runs.new(dg.DagsterRunStatus.SUCCESS, "over")
    assert end_lost_runs(runs.instance, runs.leases) == []
    lease = runs.leases.of(done)
    assert lease and lease.ended_at and runs.status(done) is dg.DagsterRunStatus.SUCCESS


def test_a_message_that_no_worker_took_is_sent_again_and_not_at_every_look(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, _begun, _running = runs.new(STARTING), runs.new(STARTING, "living"), runs.new(STARTED)
    messages, remembered = list[str](), dict[str, float]()

    class Launcher:
        def send(self, run: dg.DagsterRun) -> None:
            messages.append(run.run_id)

    assert send_again(runs.instance, runs.leases, remembered) == []  # no launcher with messages
    monkeypatch.setattr(type(runs.instance), "run_launcher", property(lambda _: Launcher()))
    assert send_again(runs.instance, runs.leases, remembered) == []  # it was sent a moment ago
    monkeypatch.setattr(lost_runs, "_waits", lambda _: True)
    for _ in range(3):
        send_again(runs.instance, runs.leases, remembered)
    assert messages == [waiting]
    runs.leases.take(waiting, waiting, "host:2")
    send_again(runs.instance, runs.leases, remembered)
    assert messages == [waiting] and remembered == {}


def test_people_hear_of_a_lost_run_only_if_the_one_in_its_place_fails(runs: Runs, project: Project) -> None:
    location = CodeLocation(project.opened())
    lost = runs.new(lease="over")
    runs.instance.add_run_tags(lost, {EXPORT_TAG: "daily"})
    end_lost_runs(runs.instance, runs.leases)
    assert list(failed_runs(location, runs.instance, datetime.now(UTC))) == []
    runs.instance.add_run_tags(lost, {WILL_RETRY_TAG: "false"})  # as of one that was lost too often
    (alert,) = failed_runs(location, runs.instance, datetime.now(UTC))
    assert alert.export == "daily" and alert.text == DIED


def test_a_request_waits_for_the_run_in_the_place_of_its_lost_one(runs: Runs, project: Project) -> None:
    requested = RequestedRuns(project.opened(), runs.instance)
    lost = runs.new(lease="over")
    end_lost_runs(runs.instance, runs.leases)
    assert requested.states([lost])[lost].status == "processing"
    again = runs.new(STARTED, "living")
    runs.instance.add_run_tags(lost, {AUTO_RETRY_RUN_ID_TAG: again})
    assert requested.states([lost])[lost].status == "processing"
    set_status(runs.instance, runs.run(again), dg.DagsterRunStatus.SUCCESS)
    assert requested.states([lost])[lost].status == "complete"


def test_the_run_in_the_place_of_a_lost_one_takes_over_what_it_wrote(project: Project) -> None:
    """Written and delivered before the worker was lost: neither is done a second time."""
    with stored_instance() as instance:
        first = project.run("daily", "2024-01-15", instance=instance)
        run_in_place_of(first.run_id, project, instance)
    (manifest,) = project.store.manifests("daily")
    ledger = project.opened().ledger
    (delivery,) = ledger.deliveries("daily")
    assert delivery.artifact == manifest.artifact
    assert [attempt["run_id"] for attempt in ledger.attempts(delivery.id)] == [first.run_id]


def test_the_run_in_the_place_of_a_lost_one_removes_what_it_did_not_register(project: Project) -> None:
    """The worker was lost between the commit and the ledger. An artifact that the ledger knows stays."""
    opened = project.opened(lambda: datetime.now(UTC))
    with stored_instance() as instance:
        earlier = project.run("daily", "2024-01-15", instance=instance, opened=opened)
        lost = project.run("daily", "2024-01-15", instance=instance, opened=opened)
        with opened.ledger.engine.begin() as connection:
            unregister(connection, lost.run_id)
        again = run_in_place_of(lost.run_id, project, instance, opened)
    records = {record.artifact: record.run_id for record in opened.ledger.windows("daily")}
    assert {manifest.artifact for manifest in project.store.manifests("daily")} == set(records)
    assert len(records) == 2 and set(records.values()) == {earlier.run_id, again}


def unregister(connection: sa.Connection, run_id: str) -> None:
    of_run = sa.select(artifacts.c.artifact).where(artifacts.c.run_id == run_id)
    ids = sa.select(deliveries.c.id).where(deliveries.c.artifact.in_(of_run))
    for table in (attempts, journal):
        connection.execute(sa.delete(table).where(table.c.delivery.in_(ids)))
    connection.execute(sa.delete(deliveries).where(deliveries.c.artifact.in_(of_run)))
    connection.execute(sa.delete(artifacts).where(artifacts.c.run_id == run_id))


def run_in_place_of(
    lost: str, project: Project, instance: dg.DagsterInstance, opened: Opened | None = None
) -> str:
    job = project.definitions(opened).resolve_job_def("daily")
    tags = {"dagster/partition": "2024-01-15", LOST_TAG: "yes"}
    run = instance.create_run_for_job(job, run_config=QUIET, tags=tags, parent_run_id=lost, root_run_id=lost)
    assert execute_run(InMemoryJob(job), run, instance).success
    return run.run_id


def test_only_a_project_with_workers_looks_for_lost_runs(project: Project) -> None:
    def sensors(opened: Opened) -> set[str]:
        return {sensor.name for sensor in project.definitions(opened).sensors or ()}

    alone, shared = project.opened(), project.opened()
    shared.settings = shared.settings.model_copy(update={"broker_url": SecretStr("redis://127.0.0.1/0")})
    assert sensors(shared) - sensors(alone) == {"find_lost_runs"}
