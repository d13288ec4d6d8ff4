"""A clock that is set an hour forth and back, again and again, while others write. STREAM_S=60 lets them write that long."""

import json
import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta

from export_pipelines.project import Project
from export_pipelines.project_streams import run_stream
from export_pipelines.streaming.runner import Runner
from export_pipelines_tests.streaming.horizons.writers import Traffic
from export_pipelines_tests.streaming.live import NAME, Live

STREAM_S = float(os.environ.get("STREAM_S", "3"))
LATE_S, STEP_S = 1.0, 0.4
OFFSETS = (-timedelta(hours=1), timedelta(0), timedelta(hours=1))


class SteppingClock:
    """The time, and at each step of it another offset."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.seen: set[timedelta] = set()

    def __call__(self) -> datetime:
        offset = random.Random(f"{self.seed} {time.monotonic() // STEP_S}").choice(OFFSETS)
        self.seen.add(offset)
        return datetime.now(UTC) + offset


def test_a_clock_that_is_set_back_and_forth_loses_nothing(to_s3: Live) -> None:
    clock = SteppingClock(seed=5)
    project = Project.open(to_s3.folder, dict(to_s3.environment), clock)
    runners: list[Runner] = []
    stream = threading.Thread(target=lambda: run_stream(project, NAME, begun=runners.append))
    traffic = Traffic(to_s3.database, LATE_S)
    traffic.start(STREAM_S, STREAM_S / 2)
    stream.start()
    traffic.join()
    time.sleep(2)  # for the last rows to be seen
    runners[0].stop.set()
    stream.join()
    run_stream(project, NAME, until_caught_up=True)
    records = to_s3.records()
    assert len(clock.seen) == len(OFFSETS)
    assert {record["id"] for record in records} == set(traffic.committed)
    assert [record["sequence"] for record in records] == list(range(1, len(records) + 1))
    times = [record["emitted_at"] for record in records]
    assert times == sorted(times)
    assert listed_twice(to_s3) == []


def listed_twice(live: Live) -> list[str]:
    """Objects in more than one manifest."""
    assert live.bucket is not None
    keys = [stored.key for stored in live.bucket.list("") if stored.key.endswith("manifest.json")]
    manifests = [json.loads(live.bucket.read(key) or b"") for key in keys]
    names = [entry["name"] for manifest in manifests for entry in manifest["objects"]]
    return sorted({name for name in names if names.count(name) > 1})
