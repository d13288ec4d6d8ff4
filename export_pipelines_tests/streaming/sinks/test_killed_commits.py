"""kill -9 at random moments of commits to S3: whoever goes on finds what arrived, and each sequence is in one object.

KILLS=50 in the environment kills so many processes instead of four."""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.streaming.sink import Intention, Sent
from export_pipelines_tests.preloaded import forking
from export_pipelines_tests.streaming.sinks.cursor import Cursor
from export_pipelines_tests.streaming.sinks.places import PLACES, Place
from export_pipelines_tests.streaming.sinks.samples import AT

MOMENTS = int(os.environ.get("KILLS", "4"))
STEPS = 8  # that a process takes at most until it is killed: an intention, or a move of the cursor
MOST, TEXT = 90, 1_000
ROWS = MOST * (STEPS // 2 + 1) * (MOMENTS + 1)


class StoredCursor(Cursor):
    """Its place and intentions outlive a kill of its process, in a file to which lines are appended."""

    file: Path
    telling: Connection | None = None

    @classmethod
    def load(cls, file: Path, number: int) -> "StoredCursor":
        cursor = cls(rows(), number, at=AT + timedelta(minutes=50 * number), most=MOST)
        cursor.file = file
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            entry = json.loads(line)
            if "moved" in entry:
                cursor.position = entry["moved"]
                cursor.intentions.clear()
            else:
                cursor.intentions.append(entry)
        return cursor

    def intend(self, intention: Intention) -> None:
        super().intend(intention)
        self._append(intention)

    def moved(self, rows: int) -> None:
        super().moved(rows)
        self._append({"moved": self.position})

    def _append(self, entry: Any) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(entry)}\n")
        if self.telling is not None:
            self.telling.send(None)


def rows() -> list[tuple[Any, ...]]:
    chance = random.Random(3)
    return [(f"lead-{n}", n, None, chance.randbytes(TEXT).hex()) for n in range(ROWS)]


def send(file: Path, number: int, place: dict[str, Any], telling: Connection) -> None:
    """In a process of its own: what the one before has left is resolved, then it goes on until it is killed."""
    cursor = StoredCursor.load(file, number)
    cursor.telling = telling
    sink = Place(**place).sink(compression="none")
    cursor.resolve(sink)
    cursor.drain(sink)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with PLACES["s3"](tmp_path) as place:
        yield place


def test_after_kills_each_sequence_is_in_one_object(place: Place, tmp_path: Path) -> None:
    file, chance = tmp_path / "cursor", random.Random(MOMENTS)
    context = forking()
    shared = {
        "kind": place.kind, "folder": place.folder, "environment": place.environment, "settings": place.settings,
        "arrived_bytes": None, "fail": None,
    }  # fmt: skip
    in_commits = 0
    for number in range(MOMENTS):
        receiving, telling = context.Pipe(duplex=False)
        process = context.Process(target=send, args=(file, number, shared, telling))
        process.start()
        began = time.monotonic()
        steps = chance.randint(1, STEPS)
        for _ in range(steps):
            receiving.recv()
            began, step_s = time.monotonic(), time.monotonic() - began
        time.sleep(min(step_s, 0.1) * chance.random())
        process.kill()
        process.join()
        in_commits += bool(StoredCursor.load(file, number).intentions)
    cursor = StoredCursor.load(file, MOMENTS)
    assert 0 < cursor.position < ROWS
    cursor.most = ROWS
    sink = place.sink(compression="none")
    cursor.resolve(sink)
    cursor.drain(sink)
    assert place.bucket is not None
    lines = [
        line
        for stored in place.bucket.list("")
        for line in (place.bucket.read(stored.key) or b"").splitlines()
    ]
    assert Counter(json.loads(line)["sequence"] for line in lines) == Counter(range(ROWS))
    assert list(place.bucket.uploads("")) == []
    assert in_commits > 0, "no kill hit a commit"


def test_a_process_that_dies_between_put_and_cursor_is_resolved(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    cursor = StoredCursor.load(file, 0)
    sink = place.sink()

    class Dying(StoredCursor):
        def moved(self, rows: int) -> None:
            raise KeyboardInterrupt

    cursor.__class__ = Dying
    with pytest.raises(KeyboardInterrupt):
        cursor.advance(sink)
    after = StoredCursor.load(file, 1)
    assert (after.position, len(after.intentions)) == (0, 1)
    after.resolve(place.sink())
    assert after.position == after.arrived[0]["rows"] > 0
    assert isinstance(cursor.sent[0], Sent)
