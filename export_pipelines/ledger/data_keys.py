"""The wrapped data keys of sealed artifacts: kept here alone, and destroyed here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipelines.artifacts.sealing import WrappedKey
from export_pipelines.errors import RetryableError, SealedArtifact
from export_pipelines.ledger.inserts import insert_of
from export_pipelines.ledger.tables import data_keys
from export_pipelines.ledger.wiping import wipe_journal

WIPE_S = 30  # how long one waits for others who read the table
# on PostgreSQL, writes the table anew with what is in it now. VACUUM, FULL too, keeps the bytes of a changed row for every
# transaction that is older, though it never looks at the table
REWRITE = f"ALTER TABLE {data_keys.name} ALTER wrapped TYPE bytea USING substring(wrapped FROM 1)"


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

    def add_once(self, key: WrappedKey) -> WrappedKey:
        """The key that is kept under this name: `key`, or the one that was added before. Raises SealedArtifact for a name whose
        key was destroyed."""
        row = {"artifact": key.artifact, "master": key.master, "wrapped": key.wrapped}
        with self.engine.begin() as connection:
            insert = insert_of(connection.dialect.name)(data_keys).values(row).on_conflict_do_nothing()
            connection.execute(insert)
        kept = self.get(key.artifact)
        if kept is None:
            raise SealedArtifact(
                "the key of this name was destroyed",
                where=key.artifact,
                remedy="erase the artifact, and run the export again",
            )
        return kept

    def get(self, artifact: str) -> WrappedKey | None:
        return next(iter(self._read(data_keys.c.artifact == artifact)), None)

    def was_destroyed(self, artifact: str) -> bool:
        """Whether there was a key of this name that was destroyed; False for a name that the ledger does not know."""
        query = sa.select(data_keys.c.artifact).where(
            data_keys.c.artifact == artifact, data_keys.c.wrapped.is_(None)
        )
        with self.engine.begin() as connection:
            return connection.scalar(query) is not None

    def names(self) -> set[str]:
        """What there is a key of."""
        query = sa.select(data_keys.c.artifact).where(data_keys.c.wrapped.is_not(None))
        with self.engine.begin() as connection:
            return set(connection.scalars(query))

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

        On SQLite no byte of a key is left in the ledger or its journal. On PostgreSQL the table is written anew; the
        write-ahead log and backups made before keep the key for as long as they are kept. Raises RetryableError where
        others use the ledger: the keys are gone from its table, and calling again wipes the rest.
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
        """Writes over what the database keeps of rows as they were."""
        if self.engine.dialect.name == "sqlite":
            if not wipe_journal(self.engine):
                raise _in_use()
            return
        try:
            with self.engine.begin() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WIPE_S}s'")
                connection.exec_driver_sql(REWRITE)
        except sa.exc.OperationalError as error:
            raise _in_use() from error


def _in_use() -> RetryableError:
    return RetryableError(
        "the ledger is in use: bytes of a destroyed key are still in its file",
        remedy="run the same command again",
    )
