"""A reader that looks and reads as a stream does, and is killed at random moments."""

import json
import random
import time
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from export_pipelines.streaming.horizon import Horizon, Keep, RowKey, Span
from export_pipelines_tests.streaming.horizons.cases import Case

KEEP = Keep("suite", lambda position: None)


@dataclass
class Reader:
    """Looks and reads as a stream does, with its position and its span as JSON. With `kills`, it ends at random moments and
    begins again with what was stored: `repeated` are the ids that it had sent without storing that."""

    case: Case
    position: str
    chance: random.Random
    kills: float = 0.0
    changes: dict[str, Any] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    at: dict[str, float] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)
    deaths: int = 0
    horizon: Horizon = field(init=False)

    def __post_init__(self) -> None:
        self.horizon = self.case.open(**self.changes)

    def step(self) -> bool:
        """One look, and what it finds; whether it was anything."""
        span = self.horizon.look(json.loads(self.position))
        if span is None:
            return False
        stored = json.dumps([span.content, span.end])
        ids, key = set[str](), None
        while True:
            is_whole, key = self._send(_span(stored), key, ids)
            if is_whole:
                break
            self._die()
            if self.chance.random() < 0.5:  # neither what was sent is known, nor which span it was
                self.repeated |= ids
                return True
        self.position = json.dumps(span.end)
        self.horizon.passed(json.loads(self.position))
        return True

    def _send(self, span: Span, key: RowKey | None, ids: set[str]) -> tuple[bool, RowKey | None]:
        """Sends the rows of the span after a key, and adds their `ids`. Whether that were all, and the key of the last one."""
        with closing(self.horizon.read(span, key)) as batches:  # type: ignore[type-var]
            for rows in batches:
                if self.chance.random() < self.kills:
                    return False, key
                sent, now = rows.batch.column("event_id").to_pylist(), time.monotonic()
                self.sent.update(sent)
                ids.update(sent)
                for id in sent:
                    self.at.setdefault(id, now)
                key = tuple(json.loads(json.dumps(rows.last)))
        return True, key

    def _die(self) -> None:
        self.horizon.close()
        self.deaths += 1
        self.horizon = self.case.open(**self.changes)

    def drain(self, ids: Collection[str], patience_s: float = 30) -> None:
        """Until these are sent and nothing is new any more."""
        until = time.monotonic() + patience_s
        while self.step() or not (self.sent.keys() >= set(ids) or time.monotonic() > until):
            time.sleep(0.05)


def _span(stored: str) -> Span:
    content, end = json.loads(stored)
    return Span(content, end)


def next_span(horizon: Horizon, position: Any, patience_s: float = 20) -> Span:
    """The next span, for which the binlog may take a moment."""
    until = time.monotonic() + patience_s
    while (span := horizon.look(json.loads(json.dumps(position)))) is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    return span


def following(horizon: Horizon, position: Any, least: int = 0) -> tuple[Counter[str], Any]:
    """All that is new after a position, and the position then. At least so many rows are waited for."""
    ids: Counter[str] = Counter()
    while True:
        if ids.total() < least:
            span: Span | None = next_span(horizon, position)
        else:
            span = horizon.look(json.loads(json.dumps(position)))
        if span is None:
            return ids, position
        ids.update(
            id for part in horizon.read(span, None) for id in part.batch.column("event_id").to_pylist()
        )
        position = span.end
