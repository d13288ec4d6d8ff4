"""Requests, artifacts, deliveries, attempts, the journal and alerts."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("export", sa.Text, nullable=False, index=True),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text),
        sa.Column("windows", sa.JSON, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
    )
    op.create_table(
        "artifacts",
        sa.Column("artifact", sa.Text, primary_key=True),
        sa.Column("export", sa.Text, nullable=False),
        sa.Column("window_key", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Index("artifacts_by_window", "export", "window_key"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("artifact", sa.Text, sa.ForeignKey("artifacts.artifact"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("entry", sa.JSON, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("first_at", TIME),
        sa.Column("ended_at", TIME),
        sa.Column("next_at", TIME),
        sa.Column("error", sa.Text),
        sa.Column("receipt", sa.JSON),
        sa.UniqueConstraint("artifact", "lane"),
        sa.Index("deliveries_by_lane", "lane"),
    )
    op.create_table(
        "attempts",
        sa.Column("delivery", sa.Text, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("outcome", sa.Text),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "journal",
        sa.Column("delivery", sa.Text, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("export", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("then", sa.Text, nullable=False),
        sa.Column("noticed_at", TIME, nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("ended_at", TIME, index=True),
    )


def downgrade() -> None:
    for table in ("alerts", "journal", "attempts", "deliveries", "artifacts", "requests"):
        op.drop_table(table)
