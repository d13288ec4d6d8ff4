"""Streams: cursors, leases, objects and dead letters."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0015", "0014"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("export", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("held_since", TIME),
        sa.Column("seen_at", TIME),
        sa.Column("wanted_by", sa.Text),
        sa.Column("paused_at", TIME),
        sa.Column("paused_by", sa.Text),
        sa.Column("cursor", sa.JSON),
        sa.Column("intentions", sa.JSON, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("schema", sa.Text),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("sent", "bytes", "batches", "doubtful", "late")
        ),
        sa.Column("newest", TIME),
        sa.Column("error", sa.Text),
        sa.Column("error_at", TIME),
    )
    op.create_table(
        "stream_objects",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("export", sa.Text, nullable=False, index=True),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("first_sequence", "last_sequence", "rows", "bytes")
        ),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("export", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )


def downgrade() -> None:
    for table in ("dead_letters", "stream_objects", "streams"):
        op.drop_table(table)
