"""Locks that die with their holder, so that a killed delivery holds up nobody: of the kernel, or of PostgreSQL's session."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from export_pipelines.files.locking import held
from export_pipelines.files.private import make_folder


class Lanes(Protocol):
    """hold: yields whether the lane is ours for the block; False while another one holds it."""

    def hold(self, lane: str) -> AbstractContextManager[bool]: ...


class FileLanes:
    """For a ledger in SQLite, which is a file of one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hold(self, lane: str) -> AbstractContextManager[bool]:
        make_folder(self.folder)
        return held(self.folder / lane)


class PostgresqlLanes:
    """Advisory locks, each held by a connection of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def hold(self, lane: str) -> Iterator[bool]:
        number = int(lane[:16], 16) - 2**63
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            held = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number))))
            try:
                yield held
            finally:
                if held:
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
