"""What a worker does with a message: it executes a run once, and leaves alone what it may not execute."""

import os
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import reconstructable

from export_pipelines.cluster import worker
from export_pipelines.cluster.versions import definitions_digest
from export_pipelines.orchestration.kept_lease import leases_of_process
from export_pipelines.settings import Settings

HERE = Path(__file__)


@dg.op(config_schema={"marker": str})
def mark(context: dg.OpExecutionContext) -> None:
    with Path(context.op_config["marker"]).open("a") as marker:
        marker.write("executed\n")


@dg.job(executor_def=dg.in_process_executor)
def marking() -> None:
    mark()


@pytest.fixture
def run(instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterRun:
    """A run that was launched and waits for a worker."""
    monkeypatch.setitem(worker._loaded, "definitions", digest())
    job = reconstructable(marking)
    config = {"ops": {"mark": {"config": {"marker": str(tmp_path / "marker")}}}}
    run = instance.create_run_for_job(
        job.get_definition(), run_config=config, job_code_origin=job.get_python_origin()
    )
    event = dg.DagsterEvent(event_type_value="PIPELINE_STARTING", job_name="marking", message="")
    instance.report_dagster_event(event, run.run_id)
    return run


def digest() -> str:
    return definitions_digest(Settings.load(os.environ, Path(os.environ["DAGSTER_HOME"])))


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    now = instance.get_run_by_id(run.run_id)
    assert now
    return now.status


def test_two_messages_about_a_run_execute_it_once_under_its_lease(
    instance: dg.DagsterInstance, run: dg.DagsterRun, tmp_path: Path
) -> None:
    for _ in range(2):
        worker.execute.run(run.run_id, digest())
    assert status(instance, run) is dg.DagsterRunStatus.SUCCESS
    assert (tmp_path / "marker").read_text() == "executed\n"
    lease = leases_of_process().of(run.run_id)
    assert lease and lease.ended_at and lease.holder.endswith(f":{os.getpid()}")


def test_a_run_that_another_worker_has_taken_is_left_alone(
    instance: dg.DagsterInstance, run: dg.DagsterRun, tmp_path: Path
) -> None:
    leases_of_process().take(run.run_id, run.run_id, "elsewhere:1")
    worker.execute.run(run.run_id, digest())
    assert status(instance, run) is dg.DagsterRunStatus.STARTING and not (tmp_path / "marker").exists()
    leases_of_process().require(run.run_id)  # and its lease is not ended


def test_a_run_that_was_cancelled_while_it_waited_is_not_executed(
    instance: dg.DagsterInstance, run: dg.DagsterRun, tmp_path: Path
) -> None:
    instance.report_run_canceled(run)
    worker.execute.run(run.run_id, digest())
    assert not (tmp_path / "marker").exists() and leases_of_process().of(run.run_id) is None


def test_a_worker_with_other_definitions_than_the_daemon_fails_the_run_and_says_so(
    instance: dg.DagsterInstance, run: dg.DagsterRun, tmp_path: Path
) -> None:
    worker.execute.run(run.run_id, "another")
    assert status(instance, run) is dg.DagsterRunStatus.FAILURE and not (tmp_path / "marker").exists()
    (failed,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert "this worker has other definitions than the daemon" in failed.message


def test_a_process_that_loaded_older_definitions_hands_the_run_to_a_new_one(
    instance: dg.DagsterInstance, run: dg.DagsterRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = list[str]()
    monkeypatch.setattr(worker, "_renew", lambda run_id, _: renewed.append(run_id))
    monkeypatch.setitem(worker._loaded, "definitions", "older")
    worker.execute.run(run.run_id, digest())
    assert renewed == [run.run_id] and status(instance, run) is dg.DagsterRunStatus.STARTING
    assert not (tmp_path / "marker").exists()
