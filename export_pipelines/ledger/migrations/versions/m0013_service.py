"""Requests of exports over HTTP, links to artifacts, and the audit by its subjects."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0013", "0011"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "export_requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("export", sa.Text, nullable=False),
        sa.Column("definition", sa.JSON(none_as_null=True)),
        sa.Column("partition", sa.Text),
        sa.Column("window_key", sa.Text, nullable=False),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=False),
        sa.Column("overrides", sa.JSON, nullable=False),
        sa.Column("any_hour", sa.Boolean, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("body_sha256", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("status", sa.Text, nullable=False, index=True),
        sa.Column("expected_rows", sa.BigInteger),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("artifact", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("ended_at", TIME),
        sa.Column("deleted_at", TIME),
        sa.UniqueConstraint("requester", "idempotency_key"),
    )
    op.create_index("export_requests_by_time", "export_requests", ["created_at", "id"])
    op.create_table(
        "links",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("artifact", sa.Text, nullable=False, index=True),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("single_use", sa.Boolean, nullable=False),
        sa.Column("revoked_at", TIME),
    )
    op.create_table(
        "link_uses",
        sa.Column("link", sa.Text, sa.ForeignKey("links.id"), primary_key=True),
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])


def downgrade() -> None:
    op.drop_index("ix_audit_subject", "audit")
    for table in ("link_uses", "links", "export_requests"):
        op.drop_table(table)
