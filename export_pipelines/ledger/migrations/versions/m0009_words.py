"""Columns have the names of what they hold: the key of a delivery's lock, and whether an artifact's filter was overridden."""

from alembic import op

revision, down_revision = "0009", "0008"

RENAMED = (("deliveries", "lane", "lock_key"), ("artifacts", "given", "overridden"))


def upgrade() -> None:
    for table, old, new in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def downgrade() -> None:
    for table, old, new in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
