"""What a stream's runner does with its sink: the cursor moves after a commit, and the rows of a failed one come again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from export_pipelines.errors import RetryableError
from export_pipelines.streaming.sink import Intention, Sent, Sink
from export_pipelines_tests.streaming.sinks.samples import AT, shown


@dataclass
class Cursor:
    """The place of `rows` in a stream, in memory. `seed` chooses how many rows each batch has."""

    rows: Sequence[tuple[Any, ...]]
    seed: int = 1
    at: datetime = AT
    most: int = 400
    position: int = 0
    intentions: list[Intention] = field(default_factory=list)
    arrived: list[Intention] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    failures: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def advance(self, sink: Sink) -> None:
        """One batch, or one failure."""
        rows = self.rows[self.position : self.position + self.random.randint(1, self.most)]
        cut = self.random.randint(0, len(rows))
        try:
            sink.add(shown(rows[:cut], self.position, self.at))
            sink.add(shown(rows[cut:], self.position + cut, self.at))
            sent = sink.commit(self.intend)
        except RetryableError:
            self.failures += 1
            self.at += timedelta(minutes=40)
            self.resolve(sink)
            return
        self.sent.append(sent)
        self.arrived += self.intentions[-1:]
        self.moved(len(rows))

    def intend(self, intention: Intention) -> None:
        self.intentions.append(intention)

    def resolve(self, sink: Sink) -> None:
        intention = sink.resolve(self.intentions)
        if intention is not None:
            self.arrived.append(intention)
            self.moved(intention["rows"])

    def moved(self, rows: int) -> None:
        self.position += rows
        self.intentions.clear()
        self.at += timedelta(minutes=7)

    def drain(self, sink: Sink) -> None:
        """Until all rows are sent."""
        while self.position < len(self.rows):
            self.advance(sink)
