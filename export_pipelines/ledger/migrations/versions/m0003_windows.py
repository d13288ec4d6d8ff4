"""Which window and which plan an artifact is of, so that a schedule knows what it does not have to ask for."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Older artifacts stay without: nobody knows any more."""
    op.add_column("artifacts", sa.Column("window_end", sa.DateTime(timezone=True)))
    op.add_column("artifacts", sa.Column("plan_hash", sa.Text))
    op.add_column("artifacts", sa.Column("given", sa.Boolean))


def downgrade() -> None:
    for column in ("given", "plan_hash", "window_end"):
        op.drop_column("artifacts", column)
