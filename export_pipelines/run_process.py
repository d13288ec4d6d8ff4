"""The process of one run: loads what every run needs, waits on stdin for which one it is, and executes it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import dagster._cli.api
from dagster._core.instance import DagsterInstance, InstanceRef
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._serdes import deserialize_value
from dagster._utils import send_interrupt
from dagster._utils.interrupts import capture_interrupts

from export_pipelines.files.locking import hold_lock
from export_pipelines.run.memory import share_heap

LOOK_S = 1.0  # between looks at whether somebody ended the run
ENDED = (DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED, DagsterRunStatus.FAILURE)


def main() -> None:
    share_heap()
    try:
        import export_pipelines.orchestration  # noqa: F401  # loaded before the order comes, not after

        line = sys.stdin.readline()
    except KeyboardInterrupt:
        return
    if line:  # else the daemon ended without another run
        order = json.loads(line)
        execute(deserialize_value(order["instance"], InstanceRef), order["run"], Path(order["living"]))


def execute(instance_ref: InstanceRef, run_id: str, living: Path) -> None:
    """Executes the run as `dagster api execute_run` does, and holds the lock of `living` meanwhile."""
    with (
        capture_interrupts(),
        hold_lock(living),
        DagsterInstance.from_ref(instance_ref) as instance,
        ended_by_others(instance, run_id),
    ):
        dagster._cli.api._execute_run_command_body(run_id, instance, lambda _: None, False)


@contextmanager
def ended_by_others(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Interrupts this process, as Ctrl-C would, when its run is ended in the UI."""
    over = Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            run = None
            with suppress(Exception):  # a storage that is away for a moment; the next look tells
                run = instance.get_run_by_id(run_id)
            if run and run.status in ENDED:
                send_interrupt()
                return

    Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()


if __name__ == "__main__":
    main()
