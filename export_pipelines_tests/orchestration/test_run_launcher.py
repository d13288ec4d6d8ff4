"""The launcher of run processes: they execute, are ended by a person, live on without their launcher, and are missed when killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import reconstructable
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus

from export_pipelines.run_launcher import LIVING, WarmRunLauncher
from export_pipelines_tests.dagster_storage import put_storage

PATIENCE_S = 120.0
HERE = Path(__file__)


@dg.op(config_schema={"seconds": float, "marker": str})
def wait(context: dg.OpExecutionContext) -> None:
    Path(context.op_config["marker"]).write_text(str(os.getpid()))
    time.sleep(context.op_config["seconds"])


@dg.job(executor_def=dg.in_process_executor)
def waiting() -> None:
    wait()


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("PYTHONPATH", str(HERE.parents[2]))
    # the next process would load the libraries in vain
    monkeypatch.setattr(WarmRunLauncher, "_prepare_after", lambda *_: None)
    launcher = {"module": "export_pipelines.run_launcher", "class": "WarmRunLauncher"}
    settings = {"run_launcher": launcher, "telemetry": {"enabled": False}}
    put_storage(tmp_path)
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=settings) as instance:
        yield instance


def launch(instance: dg.DagsterInstance, seconds: float, marker: Path) -> tuple[WarmRunLauncher, str]:
    """The launcher and the id of a run that tells its process's number in `marker`, and then takes so long."""
    job = reconstructable(waiting)
    config = {"ops": {"wait": {"config": {"seconds": seconds, "marker": str(marker)}}}}
    run = instance.create_run_for_job(
        job.get_definition(), run_config=config, job_code_origin=job.get_python_origin()
    )
    launcher = instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
    return launcher, run.run_id


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


def test_a_run_is_executed_in_a_process_that_nobody_has_to_wait_for(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    launcher, run_id = launch(instance, 0.1, tmp_path / "marker")
    launcher.dispose()
    until(lambda: status(instance, run_id) is dg.DagsterRunStatus.SUCCESS)
    assert int((tmp_path / "marker").read_text()) != os.getpid()
    until(lambda: not list((tmp_path / LIVING).iterdir()))


def test_a_run_that_a_person_ends_is_interrupted_and_canceled(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    launcher, run_id = launch(instance, 600, tmp_path / "marker")
    until((tmp_path / "marker").exists)
    assert launcher.terminate(run_id)
    began = time.monotonic()
    until(lambda: status(instance, run_id) is dg.DagsterRunStatus.CANCELED)
    assert time.monotonic() - began < 60  # its op would have taken ten minutes
    assert not launcher.terminate(run_id)


def test_a_run_whose_process_was_killed_is_found_out_and_no_other(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    launcher, run_id = launch(instance, 600, tmp_path / "marker")
    until(lambda: (tmp_path / "marker").exists() and bool((tmp_path / "marker").read_text()))
    run = instance.get_run_by_id(run_id)
    assert run and launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    (process,) = launcher._running
    os.kill(int((tmp_path / "marker").read_text()), signal.SIGKILL)
    until(lambda: process.poll() is not None)
    other = dg.DagsterRun(job_name="waiting", run_id="another")  # of the terminal: its process is not ours
    assert launcher.check_run_worker_health(other).status is WorkerStatus.RUNNING
    assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED


def test_the_process_that_waits_takes_the_next_run_and_ends_with_the_launcher(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    launcher._prepare()
    ready = launcher._waiting
    assert ready
    _, run_id = launch(instance, 0.1, tmp_path / "marker")
    until(lambda: status(instance, run_id) is dg.DagsterRunStatus.SUCCESS)
    assert int((tmp_path / "marker").read_text()) == ready.pid
    launcher._prepare()
    idle = launcher._waiting
    launcher.dispose()
    assert idle
    until(lambda: idle.poll() is not None)
    assert idle.returncode == 0


def test_a_process_that_died_while_it_waited_costs_no_run(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    launcher._prepare()
    assert launcher._waiting
    launcher._waiting.kill()
    launcher._waiting.wait()
    _, run_id = launch(instance, 0.1, tmp_path / "marker")
    until(lambda: status(instance, run_id) is dg.DagsterRunStatus.SUCCESS)
