"""Entries of the audit say whose rights held beside the actor's, and how it ended."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"


def upgrade() -> None:
    for name in ("owner", "outcome"):
        op.add_column("audit", sa.Column(name, sa.Text))
    op.create_index("ix_audit_at", "audit", ["at"])


def downgrade() -> None:
    op.drop_index("ix_audit_at", "audit")
    for name in ("outcome", "owner"):
        op.drop_column("audit", name)
