"""A backfill as Dagster's UI starts one, over a project whose `export-pipelines ui` is up."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import PROGRAM, Result
from export_pipelines.key_versions import PREFIX
from export_pipelines_servers.cluster.cluster import backfill_status, is_up, start_backfill
from export_pipelines_servers.cluster.faults import ENDED
from export_pipelines_servers.free_port import free_port

UP_S, DONE_S = 120, 3600


def backfill_of_ui(folder: Path, export: str, days: list[str]) -> Result:
    """The seconds from the request to the end, of servers that are up."""
    with _dagster(folder) as url:
        began, status = time.perf_counter(), ""
        backfill = start_backfill(url, export, days)
        while status not in ENDED:
            time.sleep(0.5)
            seconds = time.perf_counter() - began
            assert seconds < DONE_S, "the backfill does not end"
            status = backfill_status(url, backfill)
    if status != ENDED[0]:
        raise SystemExit(f"the backfill of the UI ended with {status}")
    return Result(seconds)


@contextmanager
def _dagster(folder: Path) -> Iterator[str]:
    port = free_port()
    home = Path(os.environ[f"{PREFIX}HOME"])
    home.mkdir(parents=True, exist_ok=True)
    with (
        (home / "ui.log").open("wb") as log,
        subprocess.Popen(
            [PROGRAM, "ui", "--no-service", "--port", str(port)], cwd=folder, stdout=log, stderr=log
        ) as process,
    ):
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + UP_S
        try:
            while not is_up(url):
                assert time.monotonic() < until, "Dagster's web server does not come up"
                time.sleep(0.2)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
