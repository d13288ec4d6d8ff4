"""Locks that die with their holder, so that a killed delivery holds up nobody: of the kernel, or of PostgreSQL's session."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from export_pipelines.files.locking import hold_lock
from export_pipelines.files.os_errors import store_errors
from export_pipelines.files.private import make_folder
from export_pipelines.ledger.silence import LedgerSilent

POLL_S = 0.1
MAX_NAME_BYTES = 250

Waiting = Callable[[str], None]


class Locks(Protocol):
    """hold: yields True if we hold the lock of a name for the block, False while another process does. Raises StoreError.
    hold_all: yields those of the names whose locks we hold for the block. Waits at most `wait_s` in all for those that others
              hold; `waiting` is called with each before. Raises StoreError.
    sweep: takes away what killed holders left, never a lock that is held. Raises StoreError."""

    def hold(self, lock_key: str) -> AbstractContextManager[bool]: ...

    def hold_all(
        self, lock_keys: Iterable[str], wait_s: float = 0, waiting: Waiting | None = None
    ) -> AbstractContextManager[frozenset[str]]: ...

    def sweep(self) -> None: ...


class FileLocks:
    """For a ledger in SQLite, which is a file of one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def hold(self, lock_key: str) -> Iterator[bool]:
        with ExitStack() as stack:
            with store_errors("take a lock of the ledger", self.folder):
                make_folder(self.folder)
                acquired = stack.enter_context(hold_lock(self.folder / _file_name(lock_key)))
            yield acquired

    @contextmanager
    def hold_all(
        self, lock_keys: Iterable[str], wait_s: float = 0, waiting: Waiting | None = None
    ) -> Iterator[frozenset[str]]:
        with ExitStack() as stack:

            def take(lock_key: str) -> bool:
                with ExitStack() as attempt:
                    acquired = attempt.enter_context(self.hold(lock_key))
                    if acquired:
                        stack.push(attempt.pop_all())
                return acquired

            yield _taken(lock_keys, take, wait_s, waiting)

    def sweep(self) -> None:
        with store_errors("sweep the locks of the ledger", self.folder):
            for path in self.folder.glob("*"):
                with hold_lock(path):  # which takes the file away again, if it was free
                    pass


class PostgresqlLocks:
    """Advisory locks; what is held together is held by a connection of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def hold(self, lock_key: str) -> Iterator[bool]:
        with self.hold_all([lock_key]) as acquired:
            yield bool(acquired)

    @contextmanager
    def hold_all(
        self, lock_keys: Iterable[str], wait_s: float = 0, waiting: Waiting | None = None
    ) -> Iterator[frozenset[str]]:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:

            def take(lock_key: str) -> bool:
                return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_number(lock_key)))))

            acquired = frozenset[str]()
            try:
                acquired = _taken(lock_keys, take, wait_s, waiting)
                yield acquired
            finally:
                with suppress(SQLAlchemyError, LedgerSilent):  # a session that is gone has given them up
                    connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))

    def sweep(self) -> None:
        """The server gives up the locks of a session that is gone."""


def _taken(
    lock_keys: Iterable[str], take: Callable[[str], bool], wait_s: float, waiting: Waiting | None
) -> frozenset[str]:
    """The names whose locks could be taken. All take them in one order, so that nobody waits for who waits for them."""
    ends, acquired = time.monotonic() + wait_s, set[str]()
    for lock_key in sorted(set(lock_keys)):
        is_ours = take(lock_key)
        if not is_ours and waiting and time.monotonic() < ends:
            waiting(lock_key)
        while not is_ours and time.monotonic() < ends:
            time.sleep(POLL_S)
            is_ours = take(lock_key)
        if is_ours:
            acquired.add(lock_key)
    return frozenset(acquired)


def _file_name(lock_key: str) -> str:
    name = quote(lock_key, safe="")
    return name if len(name) <= MAX_NAME_BYTES else hashlib.sha256(lock_key.encode()).hexdigest()


def _number(lock_key: str) -> int:
    return int.from_bytes(hashlib.sha256(lock_key.encode()).digest()[:8], signed=True)
