"""Whether the source finds a window by an index, or has to read the whole table for each."""

from collections.abc import Iterator
from warnings import catch_warnings

from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Engine, Inspector
from sqlalchemy.exc import SQLAlchemyError

from export_pipelines.settings import driver_url


def has_index(url: str, table: str, column: str) -> bool:
    """Whether an index of `table` begins with `column`; taken for granted where it cannot be told, as for a view.

    `url` is of a source that answers: this asks nothing that its reader's own check does not ask first.
    """
    schema, _, name = table.rpartition(".")
    engine = create_engine(driver_url(url))
    try:
        with catch_warnings(action="ignore"):  # of dialects that cannot tell
            return _has_index(engine, name, schema or None, column)
    except (SQLAlchemyError, NotImplementedError):
        return True
    finally:
        engine.dispose()


def _has_index(engine: Engine, table: str, schema: str | None, column: str) -> bool:
    inspector = inspect(engine)
    if not inspector.has_table(table, schema) or table in inspector.get_view_names(schema):
        return True
    return column in _first_columns(inspector, table, schema)


def _first_columns(inspector: Inspector, table: str, schema: str | None) -> Iterator[str | None]:
    for index in inspector.get_indexes(table, schema):
        yield index["column_names"][0]
    yield next(iter(inspector.get_pk_constraint(table, schema)["constrained_columns"]), None)
