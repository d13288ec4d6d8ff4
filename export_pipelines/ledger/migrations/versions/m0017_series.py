"""Series of artifacts that hold what has changed since one before."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0017", "0016"


def upgrade() -> None:
    op.add_column("artifacts", sa.Column("series", sa.Text))
    op.add_column("artifacts", sa.Column("base", sa.Text))
    op.add_column("artifacts", sa.Column("serial", sa.BigInteger))
    op.add_column("attempts", sa.Column("serial", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("attempts", "serial")
    op.drop_column("artifacts", "serial")
    op.drop_column("artifacts", "base")
    op.drop_column("artifacts", "series")
