"""INSERTs of rows that may be there already, as the ledger's database spells them."""

from functools import cache
from typing import Any

import sqlalchemy as sa


@cache
def insert_new(dialect: str, table: sa.Table) -> Any:
    """The INSERT of rows that may be there already. Made once, as what a run executes for each window costs less than making it."""
    return insert_of(dialect)(table).on_conflict_do_nothing()


@cache
def insert_new_returning(dialect: str, table: sa.Table) -> Any:
    """The same; gives a row for each that was not there. They must be read: SQLite commits nothing before."""
    return insert_new(dialect, table).returning(sa.literal(1))


def insert_of(dialect: str) -> Any:
    """The INSERT of the ledger's database, which is imported when it is first needed."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert
