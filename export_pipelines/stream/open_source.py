"""The table of readers: a database that has one of its own is one file and one row here, all others share the last."""

from collections.abc import Callable

from export_pipelines.stream.read_mariadb import MariadbSource
from export_pipelines.stream.read_postgresql import PostgresqlSource
from export_pipelines.stream.read_sqlalchemy import SqlalchemySource
from export_pipelines.stream.read_sqlite import SqliteSource
from export_pipelines.stream.rest import Asking
from export_pipelines.stream.source import Source

READERS: dict[str, Callable[[str], Source]] = {
    "sqlite": SqliteSource.from_url,
    "postgresql": PostgresqlSource.from_url,
    "mariadb": MariadbSource.from_url,
    "mysql": MariadbSource.from_url,
}


def open_source(url: str) -> Source:
    """A reader for the database at an SQLAlchemy `url`; nothing is opened yet. Raises SourceError or SettingsError, never
    with the URL."""
    dialect = url.split(":", 1)[0].split("+", 1)[0]
    return Asking(READERS.get(dialect, SqlalchemySource.from_url)(url))
