"""The table of readers: a new kind of database is one file and one row here."""

from collections.abc import Callable

from export_pipelines.errors import SourceError
from export_pipelines.stream.read_postgresql import PostgresqlSource
from export_pipelines.stream.read_sqlite import SqliteSource
from export_pipelines.stream.rest import Asking
from export_pipelines.stream.source import Source

READERS: dict[str, Callable[[str], Source]] = {
    "sqlite": SqliteSource.from_url,
    "postgresql": PostgresqlSource.from_url,
}


def open_source(url: str) -> Source:
    """A reader for the database at an SQLAlchemy `url`; nothing is opened yet. Raises SourceError, never with the URL."""
    dialect = url.split(":", 1)[0].split("+", 1)[0]
    if dialect not in READERS:
        raise SourceError(
            f'no reader for a "{dialect}" database; this version reads: {", ".join(READERS)}',
            where="EXPORT_PIPELINES_SOURCE_URL",
            remedy="for example sqlite:///leads.db or postgresql://user:password@host/database",
        )
    return Asking(READERS[dialect](url))
