"""Many requests at once, to two processes over one ledger, with the daemon that runs them: none is lost, none runs twice.

REQUESTS=100 sends so many (6: each principal to each process), and as many again with keys that two share (2: one key of each kind of
request); `--log-cli-level=INFO` shows the times."""

import logging
import os
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.key_versions import PREFIX
from export_pipelines.project import Project
from export_pipelines_tests.service.serving import Served, daemon, make_keys, make_project, serving

log = logging.getLogger(__name__)

REQUESTS = int(os.environ.get("REQUESTS", "6"))
SHARED = int(os.environ.get("REQUESTS", "2"))
END_S = 600 + 20 * REQUESTS  # of a machine that is busy with other tests
WHO = ("boss", "ana", "fay")


@dataclass(frozen=True)
class Pair:
    """Two processes of one service, and the folder of their project."""

    processes: tuple[Served, Served]
    folder: Path

    def runs(self, request_ids: set[str]) -> Counter[str]:
        """How many runs Dagster has for each of the requests."""
        file = self.folder / "home" / "dagster" / "history" / "runs.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as runs:
            tags = runs.execute("SELECT value FROM run_tags WHERE key = 'export/request'").fetchall()
        return Counter(id for (id,) in tags if id in request_ids)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, store_url: str
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    settings = {f"{PREFIX}SERVICE_QUEUE": str(2 * REQUESTS)}
    if request.param == "postgresql":
        settings[f"{PREFIX}LEDGER_URL"] = request.getfixturevalue("postgresql_url")
    environment = make_project(folder, store_url, **settings)
    project = Project.open(folder, dict(environment))
    keys = make_keys(project, WHO)
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(folder, environment))[0] for _ in range(2)]
        stack.enter_context(daemon(folder, environment))
        first, second = (Served(url, project, environment, keys) for url in urls)
        yield Pair((first, second), folder)


def _body(number: int) -> dict[str, Any]:
    """By turns a partition of an export of `exports/`, and an ad-hoc export."""
    day = f"2024-01-{1 + number % 28:02}"
    if number % 2:
        return {"export": "daily", "partition": day}
    return {"type": "lead", "start": day, "end": "2024-02-01", "fields": ["lead_id", "state"]}


def test_requests_at_once_end_without_a_lost_or_doubled_one(pair: Pair) -> None:
    def ask(number: int) -> tuple[dict[str, Any], float]:
        process, who = pair.processes[number % 2], WHO[number % 3]
        began = time.monotonic()
        answer = process.ask("POST", "/exports", who, json=_body(number))
        assert answer.status_code == 201, answer.text
        other = pair.processes[1 - number % 2]  # which knows it too
        export = other.ended(answer.json(), who, END_S)
        return export, time.monotonic() - began

    began = time.monotonic()
    with ThreadPoolExecutor(REQUESTS) as threads:
        exports, seconds = zip(*threads.map(ask, range(REQUESTS)), strict=True)
    total = time.monotonic() - began
    cuts = statistics.quantiles(seconds, n=20)
    log.info("%d requests: %.1f s, p50 %.1f s, p95 %.1f s", REQUESTS, total, cuts[9], cuts[18])
    assert [export["reason"] for export in exports if export["status"] == "error"] == []
    assert len({export["id"] for export in exports}) == REQUESTS
    assert len({export["artifact"] for export in exports}) == REQUESTS
    assert pair.runs({export["id"] for export in exports}) == {export["id"]: 1 for export in exports}
    ledger = pair.processes[0].project.ledger
    assert all(len(ledger.audit("run", export["artifact"])) == 1 for export in exports)


def test_requests_that_share_a_key_run_once(pair: Pair) -> None:
    def ask(number: int) -> dict[str, Any]:
        process, headers = pair.processes[number % 2], {"Idempotency-Key": f"shared-{number // 2}"}
        answer = process.ask("POST", "/exports", json=_body(number // 2), headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return process.ended(answer.json(), end_s=END_S)

    with ThreadPoolExecutor(2 * SHARED) as threads:
        exports = list(threads.map(ask, range(2 * SHARED)))
    ids = {export["id"] for export in exports}
    assert len(ids) == SHARED
    assert [export["id"] for export in exports[::2]] == [export["id"] for export in exports[1::2]]
    assert len({export["artifact"] for export in exports}) == SHARED
    assert pair.runs(ids) == dict.fromkeys(ids, 1)


def test_the_queue_of_a_principal_is_counted_by_all_processes(tmp_path: Path, store_url: str) -> None:
    environment = make_project(tmp_path, store_url, **{f"{PREFIX}SERVICE_QUEUE": "3"})
    project = Project.open(tmp_path, dict(environment))
    keys = make_keys(project, WHO)
    with serving(tmp_path, environment) as (url, _), serving(tmp_path, environment) as (other_url, _):
        process = Served(url, project, environment, keys)
        processes = process, replace(process, url=other_url)

        def ask(number: int) -> Any:
            return processes[number % 2].ask("POST", "/exports", json=_body(number))

        with ThreadPoolExecutor(10) as threads:
            answers = list(threads.map(ask, range(10)))  # without a daemon, none ends
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers].count(201) == 3
        assert {answer.json()["code"] for answer in refused} == {"queue_full"}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        assert process.ask("POST", "/exports", "ana", json=_body(0)).status_code == 201
