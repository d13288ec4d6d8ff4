"""What differs between databases: one small file each, one row each in DIALECTS; all others are generic."""

from collections.abc import Callable

from export_pipelines.plan.dialects.dialect import FUNCTIONS, Dialect, NotPushable
from export_pipelines.plan.dialects.generic import generic
from export_pipelines.plan.dialects.mariadb import Mariadb
from export_pipelines.plan.dialects.postgresql import Postgresql
from export_pipelines.plan.dialects.sqlite import Sqlite

DIALECTS: dict[str, Callable[[bool], Dialect]] = {
    "sqlite": Sqlite,
    "postgresql": lambda _: Postgresql(),
    "mariadb": Mariadb,
    "mysql": Mariadb,  # what a URL calls MariaDB, too
}


def dialect_of(name: str, bad_json_is_null: bool = False) -> Dialect:
    """The dialect with SQLAlchemy's name `name`. Raises RequestError for one that SQLAlchemy does not know."""
    return DIALECTS[name](bad_json_is_null) if name in DIALECTS else generic(name)


__all__ = ["DIALECTS", "FUNCTIONS", "Dialect", "NotPushable", "Sqlite", "dialect_of"]
