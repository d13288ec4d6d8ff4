"""Whether the source finds a window by an index, or has to read the whole table for each."""

from collections.abc import Iterator

from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Inspector
from sqlalchemy.exc import SQLAlchemyError

from export_pipelines.settings import driver_url


def has_index(url: str, table: str, column: str) -> bool:
    """Whether an index of `table` begins with `column`; taken for granted where it cannot be told, as for a view.

    `url` is of a source that answers: this asks nothing that its reader's own check does not ask first.
    """
    schema, _, name = table.rpartition(".")
    engine = create_engine(driver_url(url))
    try:
        inspector = inspect(engine)
        if not inspector.has_table(name, schema or None) or name in inspector.get_view_names(schema or None):
            return True
        return column in _first_columns(inspector, name, schema or None)
    except SQLAlchemyError:
        return True
    finally:
        engine.dispose()


def _first_columns(inspector: Inspector, table: str, schema: str | None) -> Iterator[str | None]:
    for index in inspector.get_indexes(table, schema):
        yield index["column_names"][0]
    yield next(iter(inspector.get_pk_constraint(table, schema)["constrained_columns"]), None)
