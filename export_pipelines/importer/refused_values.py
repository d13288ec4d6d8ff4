"""Values that the store refuses, though they fit their fields."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from export_pipelines.importer.parse import Unfit


@contextmanager
def refusable(connection: Connection | None) -> Iterator[Connection | None]:
    """What the store refuses for a value's sake is undone, and Unfit."""
    if connection is None:
        yield None
        return
    try:
        with connection.begin_nested():
            yield connection
    except (DataError, IntegrityError) as error:
        raise Unfit(
            f"the store refuses it: {type(error.orig).__name__}; a value is longer or larger than it holds"
        ) from error
