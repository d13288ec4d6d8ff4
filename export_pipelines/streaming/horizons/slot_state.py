"""What a look asks the server, in one query: how far its WAL is, whether the slot is as the cursor left it, what it keeps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from export_pipelines.errors import RequestError
from export_pipelines.quantities import size
from export_pipelines.streaming.horizons.rows import START_AGAIN
from export_pipelines.streaming.horizons.slot_checks import Published, standby
from export_pipelines.streaming.horizons.slots import Slots, SlotState, lsn_text

# `published` changes with every change of the publication or the table: numbers and versions of their rows in the catalog
STATE = """
SELECT is_standby, (SELECT system_identifier::text FROM pg_control_system()),
       CASE WHEN NOT is_standby THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END,
       CASE WHEN NOT is_standby THEN pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint END,
       CASE WHEN NOT is_standby THEN pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint END,
       pg_current_snapshot()::text, (
           SELECT concat_ws(' ', p.oid, p.xmin, c.oid, c.relpersistence, (
               SELECT string_agg(concat_ws(':', r.oid, r.xmin), ',' ORDER BY r.oid) FROM pg_publication_rel r
               WHERE r.prpubid = p.oid
                 AND (r.prrelid = c.oid OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(c.oid)))))
           FROM pg_publication p, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE p.pubname = %(publication)s AND c.oid = to_regclass(%(table)s) AND EXISTS (
               SELECT 1 FROM pg_publication_tables t
               WHERE t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname)
       ) AS published,
       s.slot_name, s.database, s.plugin, s.active, pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0')::bigint,
       CASE WHEN NOT is_standby THEN coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::bigint END,
       s.wal_status, coalesce(to_jsonb(s) ->> 'invalidation_reason', ''), current_database()
FROM (SELECT pg_is_in_recovery() AS is_standby) AS server LEFT JOIN pg_replication_slots s ON s.slot_name = %(slot)s
"""
MAY_BE_MISSING = "rows that were written since are missing at the sink"


@dataclass(frozen=True)
class ServerState:
    """`cluster` and `timeline` name the server and its history; its WAL is written down up to `flushed`, and made up to
    `inserted`. `published` changes with the publication; None where it does not have the table."""

    cluster: str
    timeline: int
    flushed: int
    inserted: int
    snapshot: str
    published: str | None
    slot: SlotState | None
    database: str

    def is_promoted(self, own: Mapping[str, Any]) -> bool:
        """Whether this server was a standby of the position's."""
        return bool(self.cluster == own["cluster"] and self.timeline != own["timeline"])

    def require(self, own: Mapping[str, Any], published: Published, place: str) -> SlotState:
        """The slot of the position. Raises RequestError where changes after it may be lost; what to do is for a person to
        decide."""
        fault = next(self._faults(own, published), None)
        if fault:
            raise RequestError(fault, where=place, remedy=START_AGAIN)
        assert self.slot is not None
        return self.slot

    def _faults(self, own: Mapping[str, Any], published: Published) -> Iterator[str]:
        name, slot, lsn = own["slot"], self.slot, int(own["lsn"])
        if self.cluster != own["cluster"]:
            yield "the cursor of the stream is of another database server: its places say nothing here"
        if slot is None:
            yield f"the replication slot {name} is gone: {MAY_BE_MISSING}"
            return
        if slot.database != self.database or slot.plugin != "pgoutput":
            yield f"the replication slot {name} is another one now ({slot.plugin} of {slot.database}): {MAY_BE_MISSING}"
        if slot.is_lost:
            why = slot.reason or "wal_removed"
            yield f"the server has given up the replication slot {name} ({why}): {MAY_BE_MISSING}"
        if slot.confirmed is None or slot.confirmed > lsn:
            at = lsn_text(slot.confirmed or 0)
            yield (
                f"the replication slot {name} is at {at}, ahead of the cursor at {lsn_text(lsn)}: somebody moved it on or "
                f"made it anew, and {MAY_BE_MISSING}"
            )
        if lsn > self.inserted:
            yield "the server was set back to an earlier state: its places are of other rows than those that were sent"
        if self.published is None:
            yield f"the publication {published.publication} is gone, or has no {published.dataset.table}: {MAY_BE_MISSING}"
        elif self.published != own["published"]:
            yield (
                f"the publication {published.publication} or the table {published.dataset.table} was changed or made anew, "
                f"and {MAY_BE_MISSING}"
            )


def server_state(slots: Slots, slot: str, published: Published) -> ServerState:
    """Raises SourceError for a standby, RetryableError."""
    parameters = {"publication": published.publication, "table": published.quoted, "slot": slot}
    (row,) = slots.rows(STATE, parameters)
    is_standby, cluster, timeline, flushed, inserted, snapshot, signature, *slot_row, database = row
    if is_standby:
        slots.close()  # a server that is promoted, or another one of the address, is asked anew
        raise standby(slots.place)
    known = SlotState(*slot_row) if slot_row[0] is not None else None
    return ServerState(cluster, int(timeline, 16), flushed, inserted, snapshot, signature, known, database)


def over_limit(slot: SlotState, limit_bytes: int) -> str | None:
    """What is to be said of the WAL that is kept for the slot; None while it is less than the limit."""
    if slot.wal == "unreserved":
        return f"the server is about to give up the replication slot {slot.name}: max_slot_wal_keep_size"
    if slot.kept_bytes <= limit_bytes:
        return None
    kept, limit = size(slot.kept_bytes), size(limit_bytes)
    return (
        f"the server keeps {kept} of WAL for the replication slot {slot.name}, more than the limit of {limit}"
    )
