"""What differs between databases: one small file each, one row each in DIALECTS; all others are Generic."""

from export_pipelines.plan.dialects.dialect import FUNCTIONS, Dialect, NotPushable
from export_pipelines.plan.dialects.generic import generic
from export_pipelines.plan.dialects.mariadb import Mariadb
from export_pipelines.plan.dialects.postgresql import Postgresql
from export_pipelines.plan.dialects.sqlite import Sqlite

DIALECTS: dict[str, Dialect] = {
    "sqlite": Sqlite(),
    "postgresql": Postgresql(),
    "mariadb": Mariadb(),
    "mysql": Mariadb(),  # what a URL calls MariaDB, too
}


def dialect_of(name: str) -> Dialect:
    """The dialect with SQLAlchemy's name `name`. Raises SettingsError for a database that SQLAlchemy does not know."""
    return DIALECTS.get(name) or generic(name)


__all__ = ["DIALECTS", "FUNCTIONS", "Dialect", "NotPushable", "Sqlite", "dialect_of"]
