"""Writers that commit late, roll back and stay open, in a process of their own: two copies of SQLite in one process take
each other's locks away, and the reader's is another than Python's."""

import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from export_pipelines_tests.preloaded import forking
from export_pipelines_tests.streaming.horizons.databases import Database, id_of

QUICK_S, ROWS = 0.02, 4  # between transactions of a quick writer, and of each


@dataclass
class Writers:
    """Over `database`: `committed` has the time of its commit by id, `refused` what was rolled back."""

    database: Database
    late_s: float
    seed: int = 1
    committed: dict[str, float] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    threads: list[threading.Thread] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, seconds: float, open_s: float, late: int = 5, quick: int = 2) -> None:
        until = time.monotonic() + seconds
        for n in range(late + quick):
            self._start(self._write, until, n < late, random.Random(self.seed * 100 + n))
        self._start(self._stay_open, open_s)
        for thread in self.threads:
            thread.join()

    def _start(self, work: Any, *arguments: Any) -> None:
        def guarded() -> None:
            try:
                work(*arguments)
            except Exception as error:
                self.errors.append(repr(error))

        self.threads.append(threading.Thread(target=guarded, daemon=True))
        self.threads[-1].start()

    def _write(self, until: float, is_late: bool, chance: random.Random) -> None:
        with closing(self.database.connect()) as connection:
            while time.monotonic() < until:
                pause = chance.uniform(0, self.late_s) if is_late else 0
                self._transaction(connection, pause, chance.random() < 0.15, chance.random() < 0.3)
                time.sleep(QUICK_S)

    def _stay_open(self, open_s: float) -> None:
        with closing(self.database.connect()) as connection:
            self._transaction(connection, open_s, False, False)

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


class Traffic:
    """The writers' process."""

    def __init__(self, database: Database, late_s: float) -> None:
        self.database, self.late_s = database, late_s
        self.committed: dict[str, float] = {}
        self.refused: set[str] = set()

    def start(self, seconds: float, open_s: float) -> None:
        context = forking()
        self.receiver, sender = context.Pipe(duplex=False)
        arguments = (self.database, self.late_s, seconds, open_s, sender)
        self.process = context.Process(target=_write_all, args=arguments, daemon=True)
        self.process.start()

    @property
    def is_running(self) -> bool:
        return not self.receiver.poll()

    def join(self) -> None:
        self.committed, self.refused, errors = self.receiver.recv()
        self.process.join()
        assert errors == []


def _write_all(database: Database, late_s: float, seconds: float, open_s: float, sender: Any) -> None:
    writers = Writers(database, late_s)
    writers.run(seconds, open_s)
    sender.send((writers.committed, writers.refused, writers.errors))
