"""Locks that die with their holder, so that a killed delivery holds up nobody: of the kernel, or of PostgreSQL's session."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from export_pipelines.files.locking import hold_lock
from export_pipelines.files.os_errors import store_errors
from export_pipelines.files.private import make_folder
from export_pipelines.ledger.silence import LedgerSilent


class Locks(Protocol):
    """hold: yields True if we hold the lock of a name for the block, False while another process does. Raises StoreError.
    sweep: takes away what killed holders left, never a lock that is held. Raises StoreError."""

    def hold(self, lock_key: str) -> AbstractContextManager[bool]: ...

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
                acquired = stack.enter_context(hold_lock(self.folder / quote(lock_key, safe="")))
            yield acquired

    def sweep(self) -> None:
        with store_errors("sweep the locks of the ledger", self.folder):
            for path in self.folder.glob("*"):
                with hold_lock(path):  # which takes the file away again, if it was free
                    pass


class PostgresqlLocks:
    """Advisory locks, each held by a connection of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def hold(self, lock_key: str) -> Iterator[bool]:
        number = int.from_bytes(hashlib.sha256(lock_key.encode()).digest()[:8], signed=True)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            acquired = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number))))
            try:
                yield acquired
            finally:
                if acquired:
                    with suppress(DBAPIError, LedgerSilent):  # a session that is gone has given it up
                        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))

    def sweep(self) -> None:
        """The server gives up the locks of a session that is gone."""
