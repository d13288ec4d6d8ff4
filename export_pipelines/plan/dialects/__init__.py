"""What differs between databases: one small file each, one row each in DIALECTS; all others are generic."""

from collections.abc import Callable

from export_pipelines.plan.dialects.dialect import FUNCTIONS, Dialect, NotPushable
from export_pipelines.plan.dialects.sqlite import Sqlite


# Each database's file is imported when it is first asked for, and SQLAlchemy's words for it with it.
def _postgresql(_: bool) -> Dialect:
    from export_pipelines.plan.dialects.postgresql import Postgresql

    return Postgresql()


def _mariadb(bad_json_is_null: bool) -> Dialect:
    from export_pipelines.plan.dialects.mariadb import Mariadb

    return Mariadb(bad_json_is_null)


DIALECTS: dict[str, Callable[[bool], Dialect]] = {
    "sqlite": Sqlite,
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "mysql": _mariadb,  # what a URL calls MariaDB, too
}


def dialect_of(name: str, bad_json_is_null: bool = False) -> Dialect:
    """The dialect with SQLAlchemy's name `name`. Raises RequestError for one that SQLAlchemy does not know."""
    if name in DIALECTS:
        return DIALECTS[name](bad_json_is_null)
    from export_pipelines.plan.dialects.generic import generic

    return generic(name)


__all__ = ["DIALECTS", "FUNCTIONS", "Dialect", "NotPushable", "Sqlite", "dialect_of"]
