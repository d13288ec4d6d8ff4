"""Starts the processes of runs for Dagster, by `run_launcher` in dagster.yaml: one waits with the program's libraries already
loaded, which takes longer than a small export. What is defined is read when the run begins."""

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.storage.dagster_run import DagsterRun
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value

LIVING = "living_runs"  # folder of the files that living runs hold the locks of
DAEMON = "dagster._daemon.cli"
NEXT_AFTER_S = (
    30.0  # at the latest; a small run has ended before, and is not slowed down by the next process that loads
)
COMMAND = (sys.executable, "-m", "export_pipelines.run_process")


class WarmRunLauncher(RunLauncher, ConfigurableClass):
    """Runs live on when the daemon ends, as under Dagster's own launcher. One whose process was killed is found out."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._lock = threading.Lock()
        self._waiting: subprocess.Popen[bytes] | None = None
        self._running: list[subprocess.Popen[bytes]] = []
        super().__init__()  # type: ignore[no-untyped-call]
        if DAEMON in sys.modules:  # it will launch runs; the web server has this class to end them
            self._prepare()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        return cls(inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        run_id = context.dagster_run.run_id
        living = self._living(run_id)
        living.parent.mkdir(mode=0o700, exist_ok=True)
        living.touch(mode=0o600)
        order = {"run": run_id, "living": str(living), "instance": serialize_value(self._instance.get_ref())}
        taker = self._order(json.dumps(order).encode() + b"\n")
        threading.Thread(target=self._prepare_after, args=(taker,), daemon=True).start()

    def terminate(self, run_id: str) -> bool:
        """Tells the run by its record, at which it looks every second."""
        run = self._instance.get_run_by_id(run_id)
        if not run or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Of a run that this class did not start, as those of the terminal, nothing is known: it passes for living."""
        from export_pipelines.files.locking import hold_lock

        living = self._living(run.run_id)
        if not living.exists():
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        with hold_lock(living) as free:
            return CheckRunHealthResult(WorkerStatus.FAILED if free else WorkerStatus.RUNNING)

    def dispose(self) -> None:
        """The process that waits has nothing more to wait for."""
        with self._lock:
            if self._waiting and self._waiting.stdin:
                self._waiting.stdin.close()
            self._waiting = None

    def _living(self, run_id: str) -> Path:
        return Path(self._instance.root_directory) / LIVING / run_id

    def _prepare_after(self, run: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(NEXT_AFTER_S)
        self._prepare()

    def _prepare(self) -> None:
        with self._lock:
            self._running = [process for process in self._running if process.poll() is None]
            if self._waiting is None:
                self._waiting = _process()

    def _order(self, order: bytes) -> subprocess.Popen[bytes]:
        """Gives the order to the process that waits, or to a new one where there is none, or it has died."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None or not _takes(waiting, order):
            waiting = _process()
            if not _takes(waiting, order):
                raise RuntimeError("the process of a run ended before it began")
        self._running.append(waiting)
        return waiting


def _takes(process: subprocess.Popen[bytes], order: bytes) -> bool:
    assert process.stdin
    try:
        with process.stdin:
            process.stdin.write(order)
    except BrokenPipeError:
        return False
    return True


def _process() -> subprocess.Popen[bytes]:
    return subprocess.Popen(COMMAND, stdin=subprocess.PIPE)  # noqa: S603  # our own interpreter and module
