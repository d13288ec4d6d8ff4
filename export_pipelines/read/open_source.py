"""The table of readers: a database that has one of its own is one file and one row here, all others share the last."""

import logging
from collections.abc import Callable

from export_pipelines.read.residual import Asking
from export_pipelines.read.source import Source

log = logging.getLogger(__name__)


# Each reader is imported when its database is first opened, and the driver with it.
def _sqlite(url: str, _: int) -> Source:
    from export_pipelines.read.sqlite import SqliteSource

    return SqliteSource.from_url(url)


def _postgresql(url: str, connections: int) -> Source:
    from export_pipelines.read.postgresql import PostgresqlSource

    return PostgresqlSource.from_url(url, connections)


def _mariadb(url: str, _: int) -> Source:
    from export_pipelines.read.mariadb.reader import MariadbSource

    return MariadbSource.from_url(url)


def _any_other(url: str, _: int) -> Source:
    from export_pipelines.read.sqlalchemy import SqlalchemySource

    return SqlalchemySource.from_url(url)


READERS: dict[str, Callable[[str, int], Source]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "mysql": _mariadb,
}


def open_source(url: str, connections: int = 1) -> Asking:
    """A reader for the database at an SQLAlchemy `url`; nothing is opened yet. `connections` is how many may share the rows
    of one query. Raises SourceError or SettingsError, never with the URL."""
    dialect = url.split(":", 1)[0].split("+", 1)[0]
    log.debug("source opened", extra={"database": dialect})
    return Asking(READERS.get(dialect, _any_other)(url, connections))
