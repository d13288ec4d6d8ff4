"""Runs that failed because a server was away are asked for again, all others are not."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.tags import WILL_RETRY_TAG

from export_pipelines.errors import ExportError, RetryableError, SourceError
from export_pipelines.orchestration import outages
from export_pipelines.orchestration.edges import Fault
from export_pipelines.orchestration.failing import as_dagster_failure, failure
from export_pipelines.orchestration.outages import ask_after_outages
from export_pipelines.orchestration.run_tags import LOST_TAG, SCHEDULE_TAG
from export_pipelines_tests.orchestration.stored_runs import RETRIES


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setattr(outages, "AFTER_S", 0.0)
    with dg.instance_for_test(overrides=RETRIES) as instance:
        yield instance


def storage_is_away() -> None:
    raise sa.exc.OperationalError("INSERT", None, OSError("server closed the connection unexpectedly"))


def planning_fails(error: ExportError) -> None:
    with as_dagster_failure():
        raise error


def ledger_was_away() -> None:
    planning_fails(RetryableError("the ledger does not answer"))


def source_is_wrong() -> None:
    planning_fails(SourceError("there is no table"))


def receiver_is_away() -> None:
    raise failure({"2024-01-15": Fault.of(RetryableError("no answer"))}, 1)


def broken() -> None:
    raise ValueError


def run_of(work: Callable[[], None], instance: dg.DagsterInstance, **tags: str) -> str:
    @dg.op
    def step() -> None:
        work()

    @dg.job(name=work.__name__)
    def job() -> None:
        step()

    return job.execute_in_process(instance=instance, raise_on_error=False, tags=tags).run_id


@pytest.mark.parametrize("work", [storage_is_away, ledger_was_away])
def test_a_run_that_failed_for_it_is_asked_for_again_once(
    instance: dg.DagsterInstance, work: Callable[[], None]
) -> None:
    run_id, looked_at = run_of(work, instance), set[str]()
    assert ask_after_outages(instance, (), looked_at) == [run_id]
    run = instance.get_run_by_id(run_id)
    assert run and run.tags[LOST_TAG] == run_id and run.tags[WILL_RETRY_TAG] == "true"
    assert ask_after_outages(instance, (), looked_at) == ask_after_outages(instance, (), set()) == []


@pytest.mark.parametrize("work", [source_is_wrong, receiver_is_away, broken])
def test_a_run_that_failed_otherwise_is_not(instance: dg.DagsterInstance, work: Callable[[], None]) -> None:
    run_of(work, instance)
    assert ask_after_outages(instance, (), set()) == []


def test_what_another_sensor_asks_for_is_left_to_it(instance: dg.DagsterInstance) -> None:
    run_of(ledger_was_away, instance)
    run_of(storage_is_away, instance, **{SCHEDULE_TAG: "daily"})
    assert ask_after_outages(instance, ("ledger_was_away",), set()) == []
