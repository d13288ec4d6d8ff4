"""What differs between databases: one small file each, one row each in DIALECTS."""

from export_pipelines.errors import RequestError, unknown
from export_pipelines.plan.dialects.dialect import FUNCTIONS, Dialect, NotPushable
from export_pipelines.plan.dialects.postgresql import Postgresql
from export_pipelines.plan.dialects.sqlite import Sqlite

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Sqlite(), Postgresql())}


def dialect_of(name: str) -> Dialect:
    """The dialect with SQLAlchemy's name `name`. Raises RequestError for a database that cannot be read yet."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise RequestError(unknown("database", name, DIALECTS)) from None


__all__ = ["DIALECTS", "FUNCTIONS", "Dialect", "NotPushable", "Sqlite", "dialect_of"]
