"""What an artifact holds is told by the fingerprint of its content, no more by a hash of the plan that made it."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    """Older artifacts stay without: their hashes were of SQL that no release spells any more."""
    op.add_column("artifacts", sa.Column("fingerprint", sa.Text))
    op.drop_column("artifacts", "plan_hash")


def downgrade() -> None:
    op.add_column("artifacts", sa.Column("plan_hash", sa.Text))
    op.drop_column("artifacts", "fingerprint")
