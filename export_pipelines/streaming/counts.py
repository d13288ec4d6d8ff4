"""What a stream counts: of the batch in hand, and since it began to run here."""

import time
from collections.abc import Mapping
from datetime import datetime

from export_pipelines.streaming.batches import Batch
from export_pipelines.streaming.observer import StreamProgress
from export_pipelines.streaming.sink import DeadLetter


class Pending:
    """What was added to the sink's batch so far, without the rows, and `since` when; `sequence` is that of the next row."""

    def __init__(self, sequence: int, newest: datetime | None) -> None:
        self.sequence, self.newest = sequence, newest
        self.rows = self.late = 0
        self.dead: list[DeadLetter] = []
        self.since = 0.0

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.dead

    def add(self, batch: Batch) -> None:
        if self.is_empty:
            self.since = time.monotonic()
        self.rows += batch.rows
        self.late += batch.late
        self.dead += batch.dead
        self.sequence, self.newest = batch.sequence, batch.newest


class Totals:
    """Counts since the runner began."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(("sent", "bytes", "batches", "doubtful", "late"), 0)
        self.dead = 0

    def add(self, grown: Mapping[str, int], dead: int) -> None:
        for name, number in grown.items():
            self.counts[name] += number
        self.dead += dead

    def progress(self, seconds: float, sequence: int, newest: datetime | None) -> StreamProgress:
        return StreamProgress(
            rows=self.counts["sent"],
            batches=self.counts["batches"],
            bytes=self.counts["bytes"],
            seconds=seconds,
            sequence=sequence,
            newest=newest,
            late=self.counts["late"],
            doubtful=self.counts["doubtful"],
            dead=self.dead,
        )
