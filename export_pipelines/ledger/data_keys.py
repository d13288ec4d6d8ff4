"""The wrapped data keys of sealed artifacts: kept here alone, and destroyed here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipelines.artifacts.sealing import WrappedKey
from export_pipelines.ledger.tables import data_keys


@dataclass(frozen=True)
class LedgerKeys:
    """The DataKeys of a ledger, which is opened when one is asked for."""

    open_engine: Callable[[], sa.Engine]

    @property
    def engine(self) -> sa.Engine:
        return self.open_engine()

    def add(self, key: WrappedKey) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                sa.insert(data_keys).values(artifact=key.artifact, master=key.master, wrapped=key.wrapped)
            )

    def get(self, artifact: str) -> WrappedKey | None:
        return next(iter(self._read(data_keys.c.artifact == artifact)), None)

    def all(self) -> list[WrappedKey]:
        """Every key that was not destroyed, by the artifact's name."""
        return self._read(sa.true())

    def replace(self, keys: Iterable[WrappedKey]) -> None:
        rows = [{"of": key.artifact, "to": key.master, "as": key.wrapped} for key in keys]
        if not rows:
            return
        update = (
            sa.update(data_keys)
            .where(data_keys.c.artifact == sa.bindparam("of"), data_keys.c.wrapped.is_not(None))
            .values(master=sa.bindparam("to"), wrapped=sa.bindparam("as"))
        )
        with self.engine.begin() as connection:
            connection.execute(update, rows)
        self._wipe()

    def destroy(self, artifacts: Iterable[str], at: datetime) -> list[str]:
        """Takes the keys of `artifacts` away for ever; returns those that had one. No copy of these opens any more.

        On SQLite no byte of a key is left in the ledger or its journal; PostgreSQL keeps the old row until its next
        VACUUM, and its write-ahead log for as long as it is configured to.
        """
        destroyed = []
        with self.engine.begin() as connection:
            for artifact in artifacts:
                done = connection.execute(
                    sa.update(data_keys)
                    .where(data_keys.c.artifact == artifact, data_keys.c.wrapped.is_not(None))
                    .values(wrapped=None, destroyed_at=at)
                )
                if done.rowcount:
                    destroyed.append(artifact)
        self._wipe()
        return destroyed

    def _read(self, condition: sa.ColumnElement[bool]) -> list[WrappedKey]:
        query = (
            sa.select(data_keys.c.artifact, data_keys.c.master, data_keys.c.wrapped)
            .where(condition, data_keys.c.wrapped.is_not(None))
            .order_by(data_keys.c.artifact)
        )
        with self.engine.begin() as connection:
            return [WrappedKey(*row) for row in connection.execute(query)]

    def _wipe(self) -> None:
        """The journal holds pages as they were: what is checkpointed is cut off."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
