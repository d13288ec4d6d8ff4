"""A backfill as Dagster's UI starts one, over a project whose `export-pipelines ui` is up."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.harness import PROGRAM, Result
from export_pipelines.key_versions import PREFIX
from export_pipelines_servers.cluster.cluster import BACKFILL, LAUNCH
from export_pipelines_servers.free_port import free_port

UP_S, DONE_S = 120, 3600
ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "CANCELED", "FAILED")


def backfill_of_ui(folder: Path, asset: Sequence[str], days: list[str]) -> Result:
    """The seconds from the request to the end, of servers that are up."""
    with _dagster(folder) as url:
        params = {"assetSelection": [{"path": list(asset)}], "partitionNames": days}
        began = time.perf_counter()
        launched = _ask(url, LAUNCH, params=params)["launchPartitionBackfill"]
        status = ""
        while status not in ENDED:
            time.sleep(0.5)
            seconds = time.perf_counter() - began
            assert seconds < DONE_S, "the backfill does not end"
            status = _ask(url, BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"]["status"]
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
            while not _is_up(url):
                assert time.monotonic() < until, "Dagster's web server does not come up"
                time.sleep(0.2)
            yield url
        finally:
            process.send_signal(signal.SIGINT)


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def _ask(url: str, query: str, **variables: Any) -> Any:
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]
