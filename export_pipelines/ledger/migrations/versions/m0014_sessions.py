"""Sessions of people who signed in on the page."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0014", "0013"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, nullable=False, index=True),
        sa.Column("key", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("sessions")
