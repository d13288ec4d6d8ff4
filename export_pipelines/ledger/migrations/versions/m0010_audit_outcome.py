"""Entries of the audit say whose rights held beside the actor's, and how it ended."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"


def upgrade() -> None:
    for name in ("owner", "outcome"):
        op.add_column("audit", sa.Column(name, sa.Text))


def downgrade() -> None:
    for name in ("outcome", "owner"):
        op.drop_column("audit", name)
