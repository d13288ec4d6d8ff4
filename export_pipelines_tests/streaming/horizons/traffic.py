"""Writers that commit late, roll back and stay open, and a reader that is killed at random moments, against one horizon."""

import json
import random
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from export_pipelines.streaming.horizon import Horizon, RowKey, Span
from export_pipelines_tests.streaming.horizons.databases import Case, Database, id_of

QUICK_S, ROWS = 0.02, 4  # between transactions of a quick writer, and of each


@dataclass
class Traffic:
    """Writers over `database`, until `stop`; `committed` has the time of its commit by id, `refused` what was rolled back."""

    database: Database
    late_s: float
    open_s: float
    seed: int = 1
    committed: dict[str, float] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    threads: list[threading.Thread] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def start(self, seconds: float, late: int = 4, quick: int = 2) -> None:
        until = time.monotonic() + seconds
        for n in range(late + quick):
            self._run(self._write, until, n < late, random.Random(self.seed * 100 + n))
        self._run(self._stay_open)

    def join(self) -> None:
        for thread in self.threads:
            thread.join()
        assert self.errors == []

    def _run(self, work: Any, *arguments: Any) -> None:
        def guarded() -> None:
            try:
                work(*arguments)
            except BaseException as error:
                self.errors.append(error)

        self.threads.append(threading.Thread(target=guarded, daemon=True))
        self.threads[-1].start()

    def _write(self, until: float, is_late: bool, chance: random.Random) -> None:
        with closing(self.database.connect()) as connection:
            while time.monotonic() < until:
                pause = chance.uniform(0, self.late_s) if is_late else 0
                self._transaction(connection, pause, chance.random() < 0.15, chance.random() < 0.3)
                time.sleep(QUICK_S)

    def _stay_open(self) -> None:
        with closing(self.database.connect()) as connection:
            self._transaction(connection, self.open_s, False, False)

    def _transaction(self, connection: Any, pause_s: float, is_refused: bool, has_savepoint: bool) -> None:
        cursor, ids = connection.cursor(), [id_of(next(self.numbers)) for _ in range(ROWS)]
        for n, id in enumerate(ids):
            if has_savepoint and n == 2:
                cursor.execute("SAVEPOINT half")
            self.database.insert(cursor, id)
        kept = ids
        if has_savepoint:
            cursor.execute("ROLLBACK TO SAVEPOINT half")
            kept = ids[:2]
        time.sleep(pause_s)
        (connection.rollback if is_refused else connection.commit)()
        self.refused.update(ids if is_refused else set(ids) - set(kept))
        if not is_refused:
            self.committed.update(dict.fromkeys(kept, time.monotonic()))


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

    def drain(self, seconds: float) -> None:
        """Until nothing is new for so many seconds."""
        quiet = time.monotonic()
        while time.monotonic() - quiet < seconds:
            if self.step():
                quiet = time.monotonic()
            time.sleep(0.05)


def _span(stored: str) -> Span:
    content, end = json.loads(stored)
    return Span(content, end)
