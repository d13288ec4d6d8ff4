"""ADBC by its low-level interface. Its DB-API imports pyarrow.dataset, and with it pandas where that is installed, which takes
longer than a small run."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress

import polars as pl
import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement, Error
from adbc_driver_manager._reader import AdbcRecordBatchReader

from export_pipelines.interrupts import cancelled_by


@contextmanager
def opened(database: AdbcDatabase, **options: str) -> Iterator[AdbcStatement]:
    """A statement with these options, which closes its connection and `database` after it. Raises adbc_driver_manager.Error."""
    with database, AdbcConnection(database) as connection, AdbcStatement(connection) as statement:
        statement.set_options(**options)
        yield statement


class Session:
    """A connection for many statements, each in a transaction of its own. `cancel` makes the statement that is executed give
    up. Raises adbc_driver_manager.Error.

    A statement that is executed after the server closed an idle connection would abort the process, in PostgreSQL's driver
    before 1.11; the beginning of a transaction raises an error then, so there is none that waits. What is left is the moment
    between two statements, for which the process has a supervisor: later drivers take twice the CPU."""

    def __init__(self, connection: AdbcConnection, control: AdbcStatement, options: dict[str, str]) -> None:
        self._connection, self._control, self._options = connection, control, options

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.set_autocommit(False)
        try:
            yield
        except BaseException:
            with suppress(Error):
                self._connection.set_autocommit(True)
            raise
        self._connection.set_autocommit(True)

    def execute(self, sql: str) -> None:
        """Executes what gives no rows."""
        with AdbcStatement(self._connection) as statement, cancelled_by(self.cancel):
            statement.set_sql_query(sql)
            statement.execute_update()

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """What `sql` gives; raises as the function `batches` does."""
        with AdbcStatement(self._connection) as statement:
            statement.set_options(**self._options)
            yield from batches(statement, sql)

    def cancel(self) -> None:
        self._control.cancel()


@contextmanager
def session(database: AdbcDatabase, **options: str) -> Iterator[Session]:
    """A connection whose statements have these options; closes it and `database`. Raises adbc_driver_manager.Error."""
    with database, AdbcConnection(database) as connection, AdbcStatement(connection) as control:
        yield Session(connection, control, options)


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
