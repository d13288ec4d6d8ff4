"""A run that somebody ends is interrupted, also after its storage was away for a moment."""

import signal
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from export_pipelines import run_process
from export_pipelines.run_process import ended_by_others

PATIENCE_S = 20.0


@dg.op
def nothing() -> None: ...


@dg.job
def daily() -> None:
    nothing()


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """As in the process of a run, whatever this one was started with, or other tests left."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("failures", [0, 3])
def test_a_run_that_is_cancelled_is_interrupted(monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    monkeypatch.setattr(run_process, "LOOK_S", 0.01)
    looks, get_run = list[str](), dg.DagsterInstance.get_run_by_id

    def away_at_first(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun | None:
        looks.append(run_id)
        if len(looks) <= failures:
            raise OSError("server closed the connection unexpectedly")
        return get_run(instance, run_id)

    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(daily)
        monkeypatch.setattr(dg.DagsterInstance, "get_run_by_id", away_at_first)
        with pytest.raises(KeyboardInterrupt), ended_by_others(instance, run.run_id):
            until = time.monotonic() + PATIENCE_S
            while len(looks) <= failures and time.monotonic() < until:
                time.sleep(0.01)
            instance.report_run_canceling(run)
            time.sleep(PATIENCE_S)
