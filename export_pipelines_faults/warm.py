"""The process that others are forked from: it loads what they need and then does nothing but fork, one for each line of its
stdin, and say on its stdout when one began and how it ended. It has one thread as long as no library has begun another."""

import gc
import importlib
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

LOADED = (
    *("alembic.command", "boto3", "botocore.session", "dagster", "paramiko", "polars", "psycopg", "pyarrow", "uvicorn"),
    *("adbc_driver_postgresql", "adbc_driver_sqlite"),
    *("export_pipelines.cli.artifacts", "export_pipelines.cli.erase", "export_pipelines.cli.runs"),
    *("export_pipelines.delivery.email.destination", "export_pipelines.delivery.folder.destination"),
    *("export_pipelines.delivery.s3.destination", "export_pipelines.delivery.sftp.destination"),
    *("export_pipelines.delivery.webhook.destination", "export_pipelines.encode.delimited"),
    *("export_pipelines.definitions", "export_pipelines.erasure.erase", "export_pipelines.frames.lead_index"),
    *("export_pipelines.artifacts.s3.store", "export_pipelines.artifacts.sealing.in_place"),
    *("export_pipelines.ledger.open_ledger", "export_pipelines.orchestration", "export_pipelines.project_streams"),
    *("export_pipelines.read.postgresql", "export_pipelines.read.sqlite", "export_pipelines.run.write_parts"),
    *("export_pipelines.service", "export_pipelines.streaming.horizons.snapshots", "export_pipelines.streaming.run"),
    *("export_pipelines.streaming.sinks.kinesis", "export_pipelines.streaming.sinks.s3"),
    "export_pipelines_faults.acts",
)  # fmt: skip
NEW_OBJECTS = 50_000
BROKEN = 71  # the exit code of this file's own errors


def main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # what is loaded is shared by all that are forked, as long as nobody looks for garbage in it
    gc.set_threshold(NEW_OBJECTS)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing)
    numbers: dict[int, int] = {}
    requests = b""
    while True:
        ready, _, _ = select.select([0, reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
        if 0 in ready:
            data = os.read(0, 1 << 16)
            if not data:
                return
            requests += data
            while b"\n" in requests:
                line, _, requests = requests.partition(b"\n")
                request = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    _forked(request)
                numbers[pid] = request["number"]
                _say(answers, number=request["number"], pid=pid)
        _tell_ended(answers, numbers)


def _tell_ended(answers: Any, numbers: dict[int, int]) -> None:
    while numbers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _say(answers, number=numbers.pop(pid), status=status)


def _say(answers: Any, **event: int) -> None:
    answers.write(json.dumps(event) + "\n")
    answers.flush()


def _forked(request: dict[str, Any]) -> None:
    """Never returns."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = _work(request)
    except BaseException:  # of this file; what the work raises is in its report
        traceback.print_exc()
        code = BROKEN
    finally:
        os._exit(code)


def _work(request: dict[str, Any]) -> int:
    from export_pipelines_faults import acts, mutations
    from export_pipelines_faults.syscalls import AtCall, Calls

    said = os.open(f"{request['folder']}/said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(said, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    acts.wait_less()
    mutations.mutate(request["mutation"])
    calls = Calls(request["places"], [AtCall(**fault) for fault in request["faults"]])
    report = acts.perform(request["act"], request["arguments"])
    steps, struck = calls.end()
    sys.stdout.flush()
    report |= {"steps": steps, "struck": struck}
    temporary = Path(request["report"]).with_suffix(".new")
    temporary.write_text(json.dumps(report), encoding="utf-8")
    temporary.rename(request["report"])
    return 0


if __name__ == "__main__":
    main()
