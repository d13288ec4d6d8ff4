"""What stands where, told by the receipts of the deliveries so far; a manifest tells the files beside it."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"

FILES = ("folder", "sftp", "s3")
MANIFEST_SUFFIX = ".manifest.json"


def upgrade() -> None:
    placed = op.create_table("placed", *(sa.Column(name, sa.Text, primary_key=True) for name in COLUMNS))
    op.bulk_insert(placed, [dict(zip(COLUMNS, row, strict=True)) for row in sorted(_delivered())])


COLUMNS = ("place", "name", "sha256", "export")


def _delivered() -> set[tuple[str, ...]]:
    artifacts = sa.table("artifacts", sa.column("artifact"), sa.column("export"))
    deliveries = sa.table(
        "deliveries", sa.column("artifact"), sa.column("receipt", sa.JSON(none_as_null=True))
    )
    query = (
        sa.select(deliveries.c.receipt, artifacts.c.export)
        .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
        .where(deliveries.c.receipt.is_not(None))
    )
    return {
        (receipt["target"], name, receipt["sha256"], export)
        for receipt, export in op.get_bind().execute(query)
        if receipt and receipt["kind"] in FILES
        for name in receipt["files"][-1:]
        if name.endswith(MANIFEST_SUFFIX)
    }


def downgrade() -> None:
    op.drop_table("placed")
