"""Destroyed keys leave no byte behind in the files of the ledger's database."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipelines.artifacts.sealing import WrappedKey
from export_pipelines.errors import RetryableError, SealedArtifact
from export_pipelines.ledger import Ledger
from export_pipelines.ledger.data_keys import LedgerKeys

NOW = datetime(2024, 1, 17, tzinfo=UTC)


@pytest.fixture
def keys(ledger: Ledger) -> LedgerKeys:
    return LedgerKeys(lambda: ledger.engine)


def wrapped(artifact: str) -> WrappedKey:
    return WrappedKey(artifact, "1a2b3c4d", os.urandom(60))


def files_of(engine: sa.Engine) -> Iterator[Path]:
    """Where the database keeps its tables; SQLite's journal too, of PostgreSQL not the write-ahead log."""
    if engine.dialect.name == "sqlite":
        yield from Path(str(engine.url.database)).parent.glob("ledger.db*")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")
        folder = Path(str(connection.scalar(sa.text("SHOW data_directory"))))
        database = connection.scalar(
            sa.text("SELECT oid FROM pg_database WHERE datname = current_database()")
        )
    yield from (folder / "base" / str(database)).iterdir()


def stands_in(engine: sa.Engine, content: bytes) -> bool:
    return any(content in path.read_bytes() for path in files_of(engine) if path.is_file())


def test_destroyed_and_rotated_keys_are_in_no_file(ledger: Ledger, keys: LedgerKeys) -> None:
    made = [wrapped(f"daily/2024-01-15/{number:05}") for number in range(300)]
    for key in made:
        keys.add(key)
    assert stands_in(ledger.engine, made[7].wrapped)
    keys.destroy([made[7].artifact], NOW)
    keys.replace([WrappedKey(made[8].artifact, "5e6f7a8b", os.urandom(60))])
    for key in made[7:9]:
        for at in (0, 20, 44):
            assert not stands_in(ledger.engine, key.wrapped[at : at + 16])
    assert stands_in(ledger.engine, made[9].wrapped)
    assert keys.names() == {key.artifact for key in made} - {made[7].artifact}


def test_a_transaction_that_is_older_keeps_no_byte_of_a_key(ledger: Ledger, keys: LedgerKeys) -> None:
    """A backup, a report, or what the database does by itself."""
    key, stays = wrapped("daily/2024-01-15/1"), wrapped("daily/2024-01-15/2")
    keys.add(key)
    keys.add(stays)
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("who reads its journal is told of, see below")
    with ledger.engine.connect().execution_options(isolation_level="REPEATABLE READ") as older:
        older.execute(sa.text("SELECT count(*) FROM audit"))
        keys.destroy([key.artifact], NOW)
    assert not stands_in(ledger.engine, key.wrapped)
    assert stands_in(ledger.engine, stays.wrapped)
    assert keys.all() == [stays]


def test_a_name_has_one_key_and_none_once_it_was_destroyed(keys: LedgerKeys) -> None:
    first, second = wrapped("lead index"), wrapped("lead index")
    assert keys.add_once(first) == keys.add_once(second) == first
    keys.destroy(["lead index"], NOW)
    with pytest.raises(SealedArtifact, match="was destroyed"):
        keys.add_once(second)


def test_while_others_read_the_journal_it_is_said_and_done_later(tmp_path: Path) -> None:
    from export_pipelines.ledger import open_ledger

    ledger = open_ledger(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}")
    keys, key = LedgerKeys(lambda: ledger.engine), wrapped("daily/2024-01-15/1")
    keys.add(key)
    reader = ledger.engine.connect()
    driver = reader.connection.driver_connection
    assert driver is not None
    driver.execute("BEGIN")
    driver.execute("SELECT * FROM data_keys").fetchall()
    with ledger.engine.connect() as connection:  # it waits no longer than this
        other = connection.connection.driver_connection
        assert other is not None
        other.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(RetryableError, match="the ledger is in use"):
        keys.destroy([key.artifact], NOW)
    driver.execute("COMMIT")
    reader.close()
    assert keys.destroy([key.artifact], NOW) == []
    assert not stands_in(ledger.engine, key.wrapped)
