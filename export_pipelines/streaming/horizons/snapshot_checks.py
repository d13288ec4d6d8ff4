"""Whether every row of a table says by which transaction it was written, which is all that a horizon of snapshots knows."""

from typing import TYPE_CHECKING, Any

from export_pipelines.catalog import Dataset
from export_pipelines.errors import SourceError

if TYPE_CHECKING:
    import psycopg

CURRENT = "pg_current_xact_id()"
# bits of tgtype: 1 for each row, 2 before, 4 insert, 16 update
COLUMN = """
SELECT c.relkind::text, format_type(a.atttypid, a.atttypmod), coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
       EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 7 = 7),
       EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 19 = 19)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.oid = to_regclass(%s)
"""
VIEWS = ("v", "m")


def require_written(connection: "psycopg.Connection[Any]", dataset: Dataset, place: str) -> None:
    """Raises SourceError for a column that some rows do not have, or that nothing fills."""
    table, column = dataset.table, dataset.stream.transaction or ""
    row = connection.execute(COLUMN, (column, table)).fetchone()
    if row is None:
        raise SourceError(
            f"{table} has no column {column}, which the catalog names under `stream`",
            where=place,
            remedy=f"ALTER TABLE {table} ADD COLUMN {column} xid8 NOT NULL DEFAULT {CURRENT}; CREATE INDEX ON {table} ({column})",
        )
    relation, type, default, is_set_at_insert, is_set_at_update = row
    if type != "xid8":
        raise SourceError(
            f"{table}.{column} is {type}, and must be xid8", where=place, remedy=_remedy(table, column)
        )
    if relation in VIEWS:
        return
    if default != CURRENT and not is_set_at_insert:
        raise SourceError(f"nothing fills {table}.{column}", where=place, remedy=_remedy(table, column))
    if dataset.stream.change and not is_set_at_update:
        raise SourceError(
            f"changed rows keep their {table}.{column}, and the catalog's `change` asks for them",
            where=place,
            remedy=f"set it to {CURRENT} by a trigger BEFORE INSERT OR UPDATE FOR EACH ROW, or take `change` out",
        )
    _require_no_null(connection, table, column, place)


def _require_no_null(connection: "psycopg.Connection[Any]", table: str, column: str, place: str) -> None:
    from psycopg import sql

    asked = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NULL)").format(
        sql.Identifier(*table.split(".")), sql.Identifier(column)
    )
    (has_null,) = connection.execute(asked).fetchone() or (False,)
    if has_null:
        raise SourceError(
            f"rows of {table} have no {column}, and would never be read",
            where=place,
            remedy=f"set it to {CURRENT} in these rows, then make the column NOT NULL",
        )


def _remedy(table: str, column: str) -> str:
    return f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {CURRENT}"
