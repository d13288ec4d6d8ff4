"""Streams in processes of their own: killed at any moment, handed over, paused; a bucket has each row once, Kinesis at least once.

KILLS=50 kills that often; STREAM_S=300 lets the writers write that long, LATE_S=10 commit that late."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.ledger import Streams, StreamState
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.streaming.horizons.writers import Traffic
from export_pipelines_tests.streaming.live import FIELDS, NAME, Live

KILLS = int(os.environ.get("KILLS", "3"))
STREAM_S = float(os.environ.get("STREAM_S", "6"))
LATE_S = float(os.environ.get("LATE_S", "2"))
PATIENCE_S = 180.0


def state_of(live: Live) -> StreamState:
    ledger = live.project.ledger
    return Streams(ledger.engine, ledger.locks).state(NAME)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def end(process: Process) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE_S)
    return process.wait(), said


def test_nothing_is_lost_whoever_is_killed(any_live: Live) -> None:
    """Writers that commit late, roll back and stay open, while the stream is killed and begun again."""
    live = any_live
    chance = random.Random(7)
    traffic = Traffic(live.database, LATE_S)
    traffic.start(STREAM_S, STREAM_S / 2)
    kills = 0
    while traffic.is_running or kills < KILLS:
        process = live.begin(NAME)
        time.sleep(chance.uniform(1.0, max(STREAM_S / KILLS, 1.5)))
        process.kill()
        process.communicate()
        kills += 1
    traffic.join()
    code, _, said = live.call(NAME, "--until-caught-up")
    assert code == 0, said
    records = live.records()
    assert {record["id"] for record in records} == set(traffic.committed)
    doubles = {number: n for number, n in Counter(record["sequence"] for record in records).items() if n > 1}
    if live.bucket is not None:
        assert doubles == {}
        assert [record["sequence"] for record in records] == list(range(1, len(records) + 1))
    of_sequence: dict[int, set[str]] = {}
    for record in records:
        of_sequence.setdefault(record["sequence"], set()).add(record["id"])
    assert all(len(ids) == 1 for ids in of_sequence.values())  # by id and sequence a consumer removes them


@pytest.mark.parametrize(("said", "threads"), [(None, 1), ("2", 2)])
def test_a_stream_alone_has_one_thread_of_polars_unless_more_are_said(
    to_s3: Live, said: str | None, threads: int
) -> None:
    live = to_s3
    live.environment |= {"POLARS_MAX_THREADS": said} if said else {}
    live.insert(1, 20)
    process = live.begin_anew(NAME)
    wait_until(lambda: state_of(live).sent == 20)
    names = [task.read_text().strip() for task in Path(f"/proc/{process.pid}/task").glob("*/comm")]
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    assert len([name for name in names if re.fullmatch(r"polars-\d+", name)]) == threads


def test_a_successor_takes_over_at_a_batchs_end(to_s3: Live) -> None:
    live = to_s3
    live.insert(1, 20)
    first = live.begin(NAME)
    wait_until(lambda: state_of(live).sent == 20)
    code, _, said = live.call(NAME)
    assert code == 2 and "runs the stream already" in said and "--take-over" in said
    second = live.begin(NAME, "--take-over")
    _, said = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0 and "handed over" in said
    live.insert(21, 20)
    wait_until(lambda: state_of(live).sent == 40)
    end(second)
    assert [record["sequence"] for record in live.records()] == list(range(1, 41))


def test_a_pause_ends_it_wherever_it_runs(to_s3: Live) -> None:
    live = to_s3
    running = live.begin(NAME)
    wait_until(lambda: state_of(live).cursor is not None)
    assert live.call("pause", NAME)[0] == 0
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0 and "paused" in said
    code, _, said = live.call(NAME)
    assert code == 2 and "was paused by" in said and f"stream resume {NAME}" in said
    code, out, _ = live.call("status", "--json")
    (shown,) = json.loads(out)
    assert code == 0 and (shown["stream"], shown["state"]) == (NAME, "paused")
    assert live.call("resume", NAME)[0] == 0
    live.insert(1, 5)
    assert live.call(NAME, "--until-caught-up")[0] == 0
    assert len(live.records()) == 5


def test_a_change_of_the_file_is_taken_while_it_runs(to_s3: Live) -> None:
    live = to_s3
    live.insert(1, 5)
    running = live.begin(NAME)
    wait_until(lambda: state_of(live).sent == 5)
    live.write(FIELDS.replace(", revenue", ""))
    wait_until(lambda: state_of(live).schema_version == 2)
    live.insert(6, 5)
    wait_until(lambda: state_of(live).sent == 10)
    code, said = end(running)
    assert code == 143, said
    assert [record["schema_version"] for record in live.records()] == [1] * 5 + [2] * 5


def test_a_stream_does_without_pandas(live: Live) -> None:
    """Which pyarrow imports for its own scalars and arrays of Python's values, and takes tens of MB."""
    live.insert(1, 20)
    arguments = ["export-pipelines", "stream", NAME, "--until-caught-up"]
    code = (
        f"import atexit, sys\nsys.argv = {arguments!r}\nfrom export_pipelines.cli.app import main\n"
        "atexit.register(lambda: print('loaded', [name for name in ('pandas', 'pyarrow') if name in sys.modules]))\n"
        "main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=live.folder,
        env={**os.environ, **live.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines()[-1] == "loaded ['pyarrow']", ended.stderr
    assert len(live.records()) == 20
