"""The audit's entries are hashed one with the other; checkpoints that were signed are kept."""

import sqlalchemy as sa
from alembic import op

from export_pipelines.ledger.audit_entries import FIRST, AuditEntry
from export_pipelines.ledger.tables import Utc

revision, down_revision = "0007", "0006"


def upgrade() -> None:
    op.add_column("audit", sa.Column("hash", sa.Text))
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    names = ("id", "actor", "action", "subject")
    table = sa.table(
        "audit",
        *map(sa.column, names),
        sa.column("at", Utc),
        sa.column("detail", sa.JSON),
        sa.column("hash"),
    )
    previous = FIRST
    for row in op.get_bind().execute(sa.select(table).order_by(table.c.id)).mappings().all():
        previous = AuditEntry(**row).hash_after(previous)
        op.get_bind().execute(sa.update(table).where(table.c.id == row["id"]).values(hash=previous))


def downgrade() -> None:
    op.drop_table("checkpoints")
    op.drop_column("audit", "hash")
