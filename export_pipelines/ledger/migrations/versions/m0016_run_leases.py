"""Leases of runs."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0016", "0015"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "run_leases",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("root_run_id", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.UniqueConstraint("root_run_id", "number"),
    )


def downgrade() -> None:
    op.drop_table("run_leases")
