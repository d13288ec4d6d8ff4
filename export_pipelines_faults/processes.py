"""Processes for the work of a scene: forked from one that has loaded the libraries, so that a thousand cost little."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from export_pipelines_faults.syscalls import AtCall, library
from export_pipelines_servers.ending import end, undisturbed, with_parent

REPOSITORY = Path(__file__).parents[1]
LOAD_S = 120


@dataclass(frozen=True)
class Work:
    """What a process is asked to do: `act` is a name in acts.py; `places` are the folders in which its calls are counted;
    `mutation` breaks the program on purpose, see mutations.py."""

    act: str
    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    places: Mapping[str, str]
    faults: Sequence[AtCall] = ()
    mutation: str = ""


@dataclass(frozen=True)
class Ending:
    """How a process ended. `code` is its exit code, or minus the signal; `retryable` and `text` are those of its error;
    `steps` are the calls to each place, `struck` says which of the faults happened, both unknown of a killed one."""

    code: int
    seconds: float
    text: str = ""
    retryable: bool = False
    steps: Mapping[str, int] = field(default_factory=dict)
    struck: Sequence[bool] = ()

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass
class Running:
    """A process that works; `wait` gives its ending."""

    pid: int
    report: Path
    began: float
    ended: threading.Event = field(default_factory=threading.Event)
    status: int = 0

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        if not self.ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> Ending | None:
        """None if it still runs after so many seconds."""
        if not self.ended.wait(seconds):
            return None
        code, took = os.waitstatus_to_exitcode(self.status), time.monotonic() - self.began
        try:
            report = json.loads(self.report.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            report = {}
        return Ending(code if code else report.pop("code", 0), took, **report)


class WarmProcesses:
    """Starts processes with the libraries loaded; see `warm.py`, which runs at the other end of the pipe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process, self._number = process, 0
        self._running: dict[int, Running] = {}
        self._begun: dict[int, threading.Event] = {}
        self._pids: dict[int, int] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, work: Work) -> Running:
        with self._lock:
            self._number += 1
            number = self._number
            begun = self._begun[number] = threading.Event()
            report = Path(work.folder, f"report-{number}.json")
            running = self._running[number] = Running(0, report, time.monotonic())
            assert self._process.stdin
            request = {**asdict(work), "number": number, "report": str(report)}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        assert begun.wait(LOAD_S), "the warm process does not answer"
        running.pid = self._pids.pop(number)
        return running

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            event: dict[str, Any] = json.loads(line)
            number = event["number"]
            if "pid" in event:
                self._pids[number] = event["pid"]
                self._begun.pop(number).set()
            else:
                running = self._running.pop(number)
                running.status = event["status"]
                running.ended.set()


@contextmanager
def warm_processes() -> Iterator[WarmProcesses]:
    """The warm process, for as long as the block lasts; it is ended with what it started."""
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "LD_PRELOAD": str(library()),
        **{name: value for name, value in os.environ.items() if name in ("TMPDIR", "HOME")},
    }
    with undisturbed():
        process = subprocess.Popen(
            [sys.executable, "-m", "export_pipelines_faults.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
            preexec_fn=with_parent(signal.SIGKILL),  # noqa: PLW1509
        )
    try:
        yield WarmProcesses(process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        end(process, signal.SIGKILL)  # type: ignore[arg-type]
