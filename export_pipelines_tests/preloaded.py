"""Processes that have the program's libraries from their beginning: forked from one that has imported them and does nothing
else, which saves each a second or two of CPU. They are processes like any other, with an environment, output and signals of
their own.

Where a test shows how the program starts, a new interpreter starts it."""

import gc
import importlib
import json
import multiprocessing
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import IO, Any, Self

# what commands import one by one; a module that is run by its name is not among them
LIBRARIES = (
    *("boto3", "dagster", "polars", "psycopg", "pyarrow.parquet", "pymysql", "sqlalchemy.dialects.sqlite"),
    *("export_pipelines.orchestration", "export_pipelines.project_streams", "export_pipelines.service"),
    "export_pipelines.cli.stream",
    *(
        "export_pipelines.read.mariadb.reader",
        "export_pipelines.read.postgresql",
        "export_pipelines.read.sqlite",
    ),
)
# what functions of the tests run of it
FUNCTIONS = (
    *("boto3", "paramiko", "psycopg", "pymysql", "pytest", "typer.testing"),
    *(
        f"export_pipelines.delivery.{name}.destination"
        for name in ("email", "folder", "s3", "sftp", "webhook")
    ),
    *("export_pipelines.erasure.erase", "export_pipelines.pipeline", "export_pipelines.read.sqlite"),
    *("export_pipelines.streaming.sinks.s3", "export_pipelines_servers.receivers"),
    *("export_pipelines_tests.artifacts.build", "export_pipelines_tests.delivery.desk"),
    *("export_pipelines_tests.run.whole_run", "export_pipelines_tests.streaming.horizons.databases"),
    "export_pipelines_tests.streaming.sinks.places",
)
NUMBER = struct.Struct("i")  # the id of a process, and its exit code when it has ended
ORDER_BYTES = 1 << 20
STANDARD = 3  # input, output and error
OWNED: list[socket.socket] = []  # as long as these are open, so long does a template live
OTHERS: list[str] = []


class Process:
    """A program in `cwd` with `environment`; `words` are what follows the interpreter on a command line: `-m MODULE` or
    `-c CODE`, and arguments. It is used like a `subprocess.Popen` with pipes of text."""

    def __init__(
        self, words: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path | None = None
    ) -> None:
        """With a `log`, that is where its output goes, and it leads a session of its own, as servers do."""
        order = {
            "words": list(words),
            "cwd": str(cwd),
            "environment": dict(environment),
            "leads": log is not None,
        }
        self.returncode: int | None = None
        self._status, status = socket.socketpair()
        input, output, errors = (os.pipe() for _ in range(STANDARD))
        theirs = [input[0], output[1], errors[1], status.detach()]
        self.stdin: IO[str] = os.fdopen(input[1], "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(output[0], encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(errors[0], encoding="utf-8")
        with ExitStack() as stack:
            file = [stack.enter_context(log.open("wb")).fileno()] * 2 if log else theirs[1:STANDARD]
            _order(order, [theirs[0], *file, theirs[-1]])
        for end in theirs:
            os.close(end)
        self.pid = self._number(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdin.close()
        self.wait()
        self.close()

    def close(self) -> None:
        for pipe in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):
                pipe.close()

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._number(timeout)
            self._status.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it says until it ends; in vain after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        said: dict[int, str] = {}
        pipes = (self.stdout, self.stderr)
        readers = [
            threading.Thread(target=lambda at=at, pipe=pipe: said.update({at: pipe.read()}), daemon=True)
            for at, pipe in enumerate(pipes)
        ]
        self.stdin.close()
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if until is None else max(0, until - time.monotonic()))
        self.wait(None if until is None else max(0, until - time.monotonic()))
        return said.get(0, ""), said.get(1, "")

    def send_signal(self, sign: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self, timeout: float | None) -> int:
        self._status.settimeout(timeout)
        try:
            data = self._status.recv(NUMBER.size)
        except (TimeoutError, BlockingIOError):
            raise subprocess.TimeoutExpired("a preloaded process", timeout or 0) from None
        (number,) = NUMBER.unpack(data)
        return int(number)


def ended(process: Process, timeout: float = 120) -> str:
    """What a process that ended well wrote to its standard error."""
    _, said = process.communicate(timeout)
    assert process.returncode == 0, said
    return said


@cache
def forking() -> ForkServerContext:
    """For functions of the tests in processes of their own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*FUNCTIONS])
    return context


@cache
def start_template() -> str:
    """Where orders go, which those who are told it may send, too; the process that takes them ends with this one."""
    folder = Path(mkdtemp(prefix="preloaded_"))
    ours, theirs = socket.socketpair()
    with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as orders:
        orders.bind(str(folder / "orders"))
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder), str(orders.fileno()), str(theirs.fileno())],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[orders.fileno(), theirs.fileno()],
            start_new_session=True,
        )
    OWNED.append(ours)
    return str(folder / "orders")


def use_template(place: str) -> None:
    """That of another process, which lives longer than this one."""
    OTHERS.append(place)


def _order(order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.connect(OTHERS[-1] if OTHERS else start_template())
        socket.send_fds(sending, [json.dumps(order).encode()], descriptors)


def _take_orders(folder: Path, orders: socket.socket, owner: socket.socket) -> list[str]:
    """Returns in each new process, with its words."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits for a process is no child to wait for
    while True:
        if owner in select.select([orders, owner], [], [])[0]:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)
        _import_libraries()
        data, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES, STANDARD + 1)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.close()
            owner.close()
            order = json.loads(data)
            if _is_new_process(*descriptors):
                if order["leads"]:
                    os.setsid()
                os.chdir(order["cwd"])
                os.environ.clear()
                os.environ.update(order["environment"])
                words: list[str] = order["words"]
                return words
        for descriptor in descriptors:
            os.close(descriptor)


@cache
def _import_libraries() -> None:
    """At the first order: who gives none has no use for them."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()


def _is_new_process(input: int, output: int, errors: int, status: int) -> bool:
    """True in the process, which has the three as its own; its parent tells its id and its exit code, and ends."""
    if (pid := os.fork()) == 0:
        for number, descriptor in enumerate((input, output, errors)):
            os.dup2(descriptor, number)
        for descriptor in (input, output, errors, status):
            os.close(descriptor)
        return True
    for descriptor in (0, 1, 2, input, output, errors):
        os.close(descriptor)
    with socket.socket(fileno=status) as telling:
        telling.sendall(NUMBER.pack(pid))
        _, ended = os.waitpid(pid, 0)
        telling.sendall(NUMBER.pack(os.waitstatus_to_exitcode(ended)))
    os._exit(0)


def _execute(words: Sequence[str]) -> None:
    """As the interpreter does with these words."""
    kind, program, *arguments = words
    sys.path.insert(0, str(Path.cwd()) if kind == "-m" else "")
    sys.argv = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return
    main: Any = ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(program, "<string>", "exec"), main.__dict__)


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    _execute(_take_orders(Path(place), *(socket.socket(fileno=int(number)) for number in numbers)))
