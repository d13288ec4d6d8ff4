"""ADBC by its low-level interface. Its DB-API imports pyarrow.dataset, and with it pandas where that is installed, which takes
longer than a small run."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import polars as pl
import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement
from adbc_driver_manager._reader import AdbcRecordBatchReader

from export_pipelines.interrupts import cancelled_by


@contextmanager
def opened(database: AdbcDatabase, **options: str) -> Iterator[AdbcStatement]:
    """A statement with these options, which closes its connection and `database` after it. Raises adbc_driver_manager.Error."""
    with database, AdbcConnection(database) as connection, AdbcStatement(connection) as statement:
        statement.set_options(**options)
        yield statement


def batches(
    statement: AdbcStatement, sql: str, parameters: Sequence[str | int | float | None] = ()
) -> Iterator[pa.RecordBatch]:
    """What `sql` gives; an interrupt makes the driver give up. Raises adbc_driver_manager.Error, pa.ArrowException, OSError."""
    with cancelled_by(statement.cancel):
        statement.set_sql_query(sql)
        if parameters:
            statement.prepare()
            statement.bind(_bound(parameters))
        handle, _ = statement.execute_query()
        # it tells the state of an error in the middle, which Arrow's own reader does not
        with closing(AdbcRecordBatchReader._import_from_c(handle.address)) as reader:
            yield from reader


def _bound(parameters: Sequence[str | int | float | None]) -> pa.RecordBatch:
    """One row. Polars makes it, since whatever Arrow makes of Python's values imports pandas too."""
    row = pl.DataFrame([pl.Series(str(number), [name]) for number, name in enumerate(parameters)])
    (batch,) = row.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()
    return batch
