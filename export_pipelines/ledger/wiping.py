"""What SQLite keeps of rows that were deleted or changed: nothing in the file, and nothing in its journal."""

from typing import Any

import sqlalchemy as sa


def secure_delete(engine: sa.Engine) -> None:
    """Every connection of the engine writes over what is deleted in the database's file."""

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA secure_delete = ON")


def wipe_journal(engine: sa.Engine) -> bool:
    """Cuts off the write-ahead log, which holds pages as they were; False while others use the database."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
