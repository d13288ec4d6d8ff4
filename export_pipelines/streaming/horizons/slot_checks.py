"""Whether a server tells the changes of a table by a publication, and what to run on it where it does not."""

from dataclasses import dataclass
from typing import Any

from export_pipelines.catalog import Dataset
from export_pipelines.errors import SourceError
from export_pipelines.streaming.horizons.pgoutput import Watched
from export_pipelines.streaming.horizons.slots import Slots

IDS = (
    "text",
    "character varying",
    "uuid",
    "smallint",
    "integer",
    "bigint",
    "numeric",
)  # spelled alike everywhere
SERVER = """
SELECT current_setting('wal_level'), pg_is_in_recovery(), r.rolsuper OR r.rolreplication OR EXISTS (
    SELECT 1 FROM pg_roles m WHERE m.rolname = 'rds_replication' AND pg_has_role(r.oid, m.oid, 'member'))
FROM pg_roles r WHERE r.rolname = current_user
"""
TABLE = """
SELECT n.nspname, c.relname, c.relkind::text, c.relpersistence::text, format_type(a.atttypid, NULL),
       c.relreplident IN ('f', 'i') OR (c.relreplident = 'd' AND EXISTS (
           SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND NOT a.attisdropped
WHERE c.oid = to_regclass(%s)
"""
PUBLICATION = """
SELECT p.pubinsert, p.pubupdate, to_jsonb(t) ->> 'rowfilter', to_jsonb(t) -> 'attnames', t.tablename IS NOT NULL
FROM pg_publication p LEFT JOIN pg_publication_tables t
  ON t.pubname = p.pubname AND t.schemaname = %s AND t.tablename = %s
WHERE p.pubname = %s
"""


@dataclass(frozen=True)
class Published:
    """The table of a dataset in the publication that its catalog names. `id` is the column that names its rows."""

    dataset: Dataset
    id: str

    @property
    def publication(self) -> str:
        return self.dataset.stream.publication or ""

    @property
    def quoted(self) -> str:
        return ".".join(f'"{part}"' for part in self.dataset.table.split("."))

    @property
    def publish(self) -> str:
        return "insert, update" if self.dataset.stream.change else "insert"

    @property
    def statement(self) -> str:
        """What the owner of the table is to run; other columns need not leave the server."""
        return (
            f"CREATE PUBLICATION {self.publication} FOR TABLE {self.dataset.table} ({self.id}) "
            f"WITH (publish = '{self.publish}')"
        )

    def watched(self, slots: Slots) -> Watched:
        """The table as the server calls it. Raises SourceError where its changes are not told."""
        row = next(iter(slots.rows(TABLE, (self.id, self.quoted))), None)
        if row is None:
            raise SourceError(f"there is no table {self.dataset.table}", where=slots.place)
        schema, table, kind, persistence, type, has_identity = row
        self._require_table(kind, persistence, type, slots.place)
        changes = self.dataset.stream.change is not None
        if changes and not has_identity:
            raise SourceError(
                f"{self.dataset.table} has no replica identity, so its updates cannot be published",
                where=slots.place,
                remedy=f"give it a primary key, or ALTER TABLE {self.dataset.table} REPLICA IDENTITY USING INDEX ...",
            )
        return Watched(schema, table, self.id, changes)

    def require(self, slots: Slots) -> None:
        """Raises SourceError for a server, a right, a table or a publication that leaves changes out."""
        _require_server(slots)
        watched = self.watched(slots)
        parameters = (watched.schema, watched.table, self.publication)
        row = next(iter(slots.rows(PUBLICATION, parameters)), None)
        if row is None:
            raise SourceError(
                f"there is no publication {self.publication}, which the catalog names under `stream`",
                where=slots.place,
                remedy=f"{self.statement}; as the owner of the table",
            )
        fault = self._fault(*row)
        if fault:
            raise SourceError(
                f"the publication {self.publication} {fault}",
                where=slots.place,
                remedy=f"DROP PUBLICATION {self.publication}; {self.statement}",
            )

    def _fault(
        self, inserts: bool, updates: bool, filter: str | None, columns: Any, is_listed: bool
    ) -> str | None:
        table = self.dataset.table
        if not is_listed:
            return (
                f"has no {table}: ALTER PUBLICATION {self.publication} ADD TABLE {table} ({self.id}); "
                "of a partitioned table also SET (publish_via_partition_root = true)"
            )
        if not inserts or (self.dataset.stream.change and not updates):
            return f"does not publish {self.publish}"
        if filter:
            return f"leaves rows of {table} out: WHERE {filter}"
        if columns is not None and self.id not in columns:
            return f"leaves {table}.{self.id} out, by which rows are named"
        return None

    def _require_table(self, kind: str, persistence: str, type: str | None, place: str) -> None:
        table = self.dataset.table
        if kind not in ("r", "p"):
            fault = f"{table} is no table, and only tables are published"
        elif persistence != "p":
            fault = f"{table} is unlogged or temporary, so the server tells none of its changes"
        elif type not in IDS:
            fault = f"{table}.{self.id} is {type}, and rows are named by one of: {', '.join(IDS)}"
        else:
            return
        raise SourceError(
            fault,
            where=place,
            remedy="take `publication` out of the catalog, and name another way under `stream`, or say `settle` in the export",
        )


def _require_server(slots: Slots) -> None:
    level, is_standby, may_replicate = slots.rows(SERVER)[0]
    if is_standby:
        raise standby(slots.place)
    if level != "logical":
        raise SourceError(
            f"the server says wal_level={level}, and tells changes with wal_level=logical only",
            where=slots.place,
            remedy="ALTER SYSTEM SET wal_level = logical, and start the server again",
        )
    if not may_replicate:
        raise SourceError(
            "the user may not read the server's changes",
            where=slots.place,
            remedy="ALTER ROLE ... REPLICATION for the user of EXPORT_PIPELINES_SOURCE_URL (Amazon RDS: GRANT rds_replication)",
        )


def standby(place: str) -> SourceError:
    return SourceError(
        "this is a standby, on which no slot can be moved on",
        where=place,
        remedy="let EXPORT_PIPELINES_SOURCE_URL name the primary; of several hosts, with target_session_attrs=read-write",
    )
