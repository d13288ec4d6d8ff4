"""Exports that were asked for over HTTP: one row and one run of Dagster each, whichever process took the request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from export_pipelines.ledger.run_leases import run_leases
from export_pipelines.ledger.tables import artifacts, deliveries, export_requests

Status = Literal["created", "processing", "complete", "truncated", "error"]
UNFINISHED: tuple[Status, ...] = ("created", "processing")
ADDING = 0x72657175657374  # of PostgreSQL's advisory locks: requests are counted and added one at a time


@dataclass(frozen=True)
class ExportRequest:
    """`id` is 24 hex digits. `definition` is what an ad-hoc export says, None for an export of `exports/`. `expected_rows`
    were counted when it was asked for, `rows` are written so far."""

    id: str
    run_id: str
    requester: str
    export: str
    definition: Mapping[str, Any] | None
    partition: str | None
    window_key: str
    start: datetime
    end: datetime
    overrides: Mapping[str, Any]
    any_hour: bool
    idempotency_key: str | None
    body_sha256: str
    created_at: datetime
    expires_at: datetime
    status: Status
    expected_rows: int | None
    rows: int = 0
    artifact: str | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True)
class Written:
    """The artifact of a run, as far as the ledger knows it: `missing` are the states of deliveries that have not arrived."""

    artifact: str
    rows: int
    missing: frozenset[str]


Place = tuple[datetime, str]  # of a request in the list


class ExportRequests:
    """The requests of the ledger behind `engine`."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def add(self, request: ExportRequest, most_unfinished: int) -> ExportRequest | None:
        """The request, or the earlier one with its idempotency key; None where the requester has `most_unfinished` others
        that have not ended."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADDING)))
            earlier = self._of_key(connection, request.requester, request.idempotency_key)
            if earlier:
                return earlier
            if self._unfinished(connection, request.requester) >= most_unfinished:
                return None
            row = {name: getattr(request, name) for name in ExportRequest.__dataclass_fields__}
            connection.execute(sa.insert(export_requests).values(row))
        return request

    def of_key(self, requester: str, key: str | None) -> ExportRequest | None:
        """The request that was made with an idempotency key."""
        with self.engine.begin() as connection:
            return self._of_key(connection, requester, key)

    def named(self, id: str) -> ExportRequest | None:
        with self.engine.begin() as connection:
            return self._first(connection, export_requests.c.id == id)

    def of_ids(self, ids: Sequence[str]) -> list[ExportRequest]:
        """Those of the requests that there are."""
        query = sa.select(export_requests).where(export_requests.c.id.in_(ids))
        with self.engine.begin() as connection:
            return [_request(row) for row in connection.execute(query).mappings()]

    def of_export(self, export: str) -> ExportRequest | None:
        """The request that an ad-hoc export is of."""
        with self.engine.begin() as connection:
            where = sa.and_(export_requests.c.export == export, export_requests.c.definition.is_not(None))
            return self._first(connection, where)

    def page(
        self,
        now: datetime,
        limit: int,
        requester: str | None = None,
        before: Place | None = None,
        statuses: Sequence[Status] = (),
        export: str | None = None,
    ) -> list[ExportRequest]:
        """The newest first, of one requester or of all; those that have expired or were deleted are left out."""
        table = export_requests.c
        query = sa.select(export_requests).where(table.deleted_at.is_(None), table.expires_at > now)
        if requester is not None:
            query = query.where(table.requester == requester)
        if before:
            query = query.where(sa.tuple_(table.created_at, table.id) < sa.tuple_(*before))
        if statuses:
            query = query.where(table.status.in_(statuses))
        if export is not None:
            query = query.where(table.export == export)
        query = query.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
        with self.engine.begin() as connection:
            return [_request(row) for row in connection.execute(query).mappings()]

    def unfinished(self) -> list[ExportRequest]:
        """Those whose end nobody has seen yet, oldest first."""
        query = (
            sa.select(export_requests)
            .where(export_requests.c.status.in_(UNFINISHED))
            .order_by(export_requests.c.created_at)
        )
        with self.engine.begin() as connection:
            return [_request(row) for row in connection.execute(query).mappings()]

    def expired(self, now: datetime) -> list[ExportRequest]:
        """Ad-hoc exports whose time is over."""
        where = sa.and_(export_requests.c.expires_at <= now, export_requests.c.definition.is_not(None))
        with self.engine.begin() as connection:
            return [
                _request(row)
                for row in connection.execute(sa.select(export_requests).where(where)).mappings()
            ]

    def written_by(self, run_ids: Sequence[str]) -> dict[str, Written]:
        """What runs, or those in the place of lost ones, have written so far, by the ids of the runs that were asked for."""
        asked = sa.func.coalesce(run_leases.c.root_run_id, artifacts.c.run_id)
        query = (
            sa.select(asked.label("run_id"), artifacts.c.artifact, artifacts.c.rows, deliveries.c.state)
            .join(deliveries, deliveries.c.artifact == artifacts.c.artifact, isouter=True)
            .join(run_leases, run_leases.c.run_id == artifacts.c.run_id, isouter=True)
            .where(sa.or_(artifacts.c.run_id.in_(run_ids), run_leases.c.root_run_id.in_(run_ids)))
        )
        written: dict[str, Written] = {}
        with self.engine.begin() as connection:
            for row in connection.execute(query):
                before = written.get(row.run_id)
                missing = set(before.missing if before else ())
                if row.state not in (None, "delivered"):
                    missing.add(row.state)
                written[row.run_id] = Written(row.artifact, row.rows, frozenset(missing))
        return written

    def progressed(self, run_id: str, rows: int) -> None:
        """A run has written so many rows."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(export_requests)
                .where(export_requests.c.run_id == run_id, export_requests.c.status.in_(UNFINISHED))
                .values(rows=rows, status="processing")
            )

    def change(self, id: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(export_requests).where(export_requests.c.id == id).values(values))

    def _of_key(self, connection: sa.Connection, requester: str, key: str | None) -> ExportRequest | None:
        if key is None:
            return None
        table = export_requests.c
        return self._first(connection, sa.and_(table.requester == requester, table.idempotency_key == key))

    def _unfinished(self, connection: sa.Connection, requester: str) -> int:
        table = export_requests.c
        query = sa.select(sa.func.count()).where(table.requester == requester, table.status.in_(UNFINISHED))
        return int(connection.scalar(query) or 0)

    def _first(self, connection: sa.Connection, where: sa.ColumnElement[bool]) -> ExportRequest | None:
        row = connection.execute(sa.select(export_requests).where(where)).mappings().first()
        return _request(row) if row else None


def _request(row: sa.RowMapping) -> ExportRequest:
    return ExportRequest(**{name: row[name] for name in ExportRequest.__dataclass_fields__})
