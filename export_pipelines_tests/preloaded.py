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
from types import ModuleType
from typing import IO, Any, Self

# what commands import one by one; a module that is run by its name is not among them
LIBRARIES = (
    *("boto3", "dagster", "polars", "psycopg", "pyarrow.parquet", "pymysql", "sqlalchemy.dialects.sqlite"),
    *("export_pipelines.orchestration", "export_pipelines.project_streams", "export_pipelines.cli.stream"),
    *(
        "export_pipelines.read.mariadb.reader",
        "export_pipelines.read.postgresql",
        "export_pipelines.read.sqlite",
    ),
)
# what functions of the tests run of it
FUNCTIONS = (
    *("boto3", "psycopg", "pymysql", "pytest", "export_pipelines.pipeline", "export_pipelines.read.sqlite"),
    *(f"export_pipelines.delivery.{name}" for name in ("bucket", "folder", "mail", "sftp", "webhook")),
    *("export_pipelines.streaming.sinks.s3", "export_pipelines_tests.delivery.desk"),
    "export_pipelines_tests.streaming.horizons.databases",
)
NUMBER = struct.Struct("i")  # the id of a process, and its exit code when it has ended
ORDER_BYTES = 1 << 20
STANDARD = 3  # input, output and error


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
            socket.send_fds(_template(), [json.dumps(order).encode()], [theirs[0], *file, theirs[-1]])
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
def _template() -> socket.socket:
    """Where orders go; the process that takes them ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours


def _take_orders(orders: socket.socket) -> list[str]:
    """Returns in each new process, with its words."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits for a process is no child to wait for
    while True:
        data, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES, STANDARD + 1)
        if not data:
            os._exit(0)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.close()
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
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    _execute(_take_orders(socket.socket(fileno=int(sys.argv[1]))))
