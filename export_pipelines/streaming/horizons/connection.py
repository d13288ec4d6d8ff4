"""A connection that is kept for looks, over SQLAlchemy: each question sees what is committed by then.

Of a file of SQLite none is kept: rows are read by another copy of SQLite, and where two of them have one file open in one
process, each takes away the locks of the other as it closes."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from export_pipelines.errors import ExportError
from export_pipelines.read.sqlalchemy import SqlalchemySource
from export_pipelines.read.sqlite import SqliteSource
from export_pipelines.settings import driver_url
from export_pipelines.streaming.horizons.rows import retryable

T = TypeVar("T")


class Connected:
    """The database of a source's `url`. After an error it is connected anew at the next question."""

    def __init__(self, url: str) -> None:
        self.is_kept = not url.startswith("sqlite")
        self.server = SqlalchemySource.from_url(driver_url(url)) if self.is_kept else _file(url)
        self.place = self.server.place
        self.opened = ExitStack()
        self.connection: Connection | None = None

    def ask(self, question: Callable[[Connection], T]) -> T:
        """What `question` makes of the connection, in a transaction. Raises SourceError, or RetryableError for what passes."""
        try:
            with retryable():
                connection = self._connected()
                with self.server.errors("the statement was refused"):
                    answer = question(connection)
                    connection.commit()  # so that the next one sees what was committed since
            if not self.is_kept:
                self.close()
            return answer
        except ExportError:
            self.close()
            raise

    def close(self) -> None:
        with suppress(*self.server.foreign):
            self.opened.close()
        self.connection = None

    def _connected(self) -> Connection:
        if self.connection is None:
            self.connection = self.opened.enter_context(self.server.connected())
            self.connection.commit()  # what the session was set to
        return self.connection


def _file(url: str) -> SqlalchemySource:
    """A file of SQLite, opened read-only."""
    source = SqliteSource.from_url(url)
    return SqlalchemySource(create_engine("sqlite://", creator=source.connect, poolclass=NullPool))
