"""The ledger: who asked for what, what came out, where it went, and every attempt at bringing it there."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.in_plans import StoredEntry
from export_pipelines.errors import RequestError, RetryableError
from export_pipelines.ledger.alert import Alert, alert_keys, mark_notified, open_alerts
from export_pipelines.ledger.attempt import Attempt
from export_pipelines.ledger.attempt_rows import (
    arrived,
    earlier_receipt,
    end_killed,
    open_attempt,
    refusal,
    update,
)
from export_pipelines.ledger.audit_action import AuditOutcome
from export_pipelines.ledger.audit_entries import AuditEntry, AuditRecord, add_entry, read_entries
from export_pipelines.ledger.delivery import OPEN, Delivery, State, lock_key_of, series_of
from export_pipelines.ledger.delivery_rows import (
    attempts_at,
    deliveries_of,
    read_deliveries,
    read_delivery,
    required_delivery,
    state_counts,
)
from export_pipelines.ledger.inserts import insert_new_returning
from export_pipelines.ledger.locks import Locks
from export_pipelines.ledger.renaming import take_along
from export_pipelines.ledger.rows import artifact_row, delivery_row, export_of
from export_pipelines.ledger.run_leases import require_lease
from export_pipelines.ledger.series import enter
from export_pipelines.ledger.tables import alerts, artifacts, deliveries, requests
from export_pipelines.ledger.windows import (
    WindowRecord,
    WrittenRecord,
    has_arrived,
    window_records,
    written_records,
)
from export_pipelines.ledger.withdrawal import withdraw_replaced

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ledger:
    """Safe for several threads, processes and, on PostgreSQL, machines at once. What it was told is durable when a
    call returns."""

    engine: sa.Engine
    locks: Locks

    def requested(
        self,
        run_id: str,
        export: str,
        origin: str,
        asked_by: str | None,
        windows: Sequence[str],
        at: datetime,
    ) -> None:
        """A run was asked for; saying it again changes nothing."""
        row = {"run_id": run_id, "export": export, "origin": origin, "asked_by": asked_by, "asked_at": at}
        with self.engine.begin() as connection:
            self._add(connection, requests, {**row, "windows": list(windows)})
        log.debug("run requested", extra={"export": export, "origin": origin, "windows": len(windows)})

    def register(
        self,
        manifest: Manifest,
        entries: Sequence[StoredEntry],
        run_id: str | None,
        at: datetime,
        overridden: bool | None = None,
        audit: AuditRecord | None = None,
        skipped: Sequence[StoredEntry] = (),
    ) -> tuple[Delivery, ...]:
        """The artifact and a delivery for each of `entries`, as they stand in its plan, in their order; what is `skipped` gets
        nothing of it. `overridden` says whether its run had a filter of its own, None that nobody knows; `audit` is recorded with it.

        Registering again changes nothing. What an older artifact of the window, or another wording of the export,
        still had to deliver is withdrawn: it must not arrive after this. Raises LostRun, and BaseReplaced for what has changed
        since an artifact that is no longer the last.
        """
        with self.engine.begin() as connection:
            require_lease(connection, run_id)
            new = self._add(connection, artifacts, artifact_row(manifest, run_id, overridden))
            export = export_of(connection, manifest.artifact)  # not the manifest's, once that was renamed
            series = series_of(manifest)
            locks = [lock_key_of(export, series, entry) for entry in entries]
            places = [*locks, *(lock_key_of(export, series, entry) for entry in skipped)]
            if new:
                enter(connection, export, manifest, places)
            for number, (lock_key, entry) in enumerate(zip(locks, entries, strict=True), start=1):
                self._add(connection, deliveries, delivery_row(manifest, number, lock_key, entry, run_id, at))
            withdraw_replaced(connection, export, manifest, places)
            by_lock_key = {
                delivery.lock_key: delivery for delivery in deliveries_of(connection, manifest.artifact)
            }
            if audit and new:
                add_entry(connection, audit.row(at))
        log.debug("artifact registered", extra={"artifact": manifest.artifact, "deliveries": len(locks)})
        return tuple(by_lock_key[lock_key] for lock_key in locks)

    @contextmanager
    def claim(
        self, id: str, now: Callable[[], datetime], run_id: str | None = None, again: bool = False
    ) -> Iterator[Attempt]:
        """One attempt at a delivery, recorded before it begins and after it ended, whatever ends it.

        The attempt has its receipt already when nothing is left to do: it was delivered, or the same files of this
        window were the last to go there. `again` sends all the same. Raises RetryableError while another process has
        it in hand, LostRun for a run that has lost its lease; errors of the block are recorded and go on.
        """
        delivery = self.delivery(id)
        with self.locks.hold(delivery.lock_key) as ours:
            if not ours:
                raise RetryableError(
                    "another process delivers or erases it right now", where=delivery.artifact
                )
            attempt = self._begin(id, now(), run_id, again)
            if attempt.receipt is not None:
                yield attempt
                return
            try:
                yield attempt
            except BaseException as error:
                attempt.failed(error, now())
                raise
            attempt.delivered(now())

    def interrupted(self, run_id: str, at: datetime) -> None:
        """The attempts that a run has in hand end here, and may be tried again: its process is about to be ended."""
        mine = sa.and_(deliveries.c.run_id == run_id, deliveries.c.state == "sending")
        for delivery in self._read(mine):
            Attempt(self.engine, delivery).failed(KeyboardInterrupt(), at)

    def renamed(self, old: str, new: str) -> bool:
        """The records of export `old` are those of `new` from now on; False where there were none."""
        with self.engine.begin() as connection:
            moved = take_along(connection, old, new)
        log.debug("records renamed", extra={"export": new, "before": old, "any": moved})
        return moved

    def notice(self, alert: Alert) -> bool:
        """Something that people are to be told; False when it was noticed before."""
        with self.engine.begin() as connection:
            new = self._add(connection, alerts, asdict(alert))
        log.debug("alert noticed", extra={"export": alert.export, "kind": alert.kind, "new": new})
        return new

    def record_notified(self, alert: Alert, channels: Sequence[str], ended_at: datetime | None) -> None:
        """`channels` have the alert now; with `ended_at`, nobody else has to be told."""
        with self.engine.begin() as connection:
            mark_notified(connection, alert.key, channels, ended_at)

    def open_alerts(self) -> list[Alert]:
        with self.engine.begin() as connection:
            return open_alerts(connection)

    def alert_keys(self, prefix: str) -> list[str]:
        """Keys that begin so, of alerts that were noticed, told or not."""
        with self.engine.begin() as connection:
            return alert_keys(connection, prefix)

    def record(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any],
        at: datetime,
        outcome: str = AuditOutcome.DONE,
        owner: str | None = None,
    ) -> int:
        """Adds an entry to the audit, with an AuditAction and an AuditOutcome; returns its id."""
        row = {"actor": actor, "action": str(action), "subject": subject, "detail": dict(detail), "at": at}
        with self.engine.begin() as connection:
            return add_entry(connection, row | {"outcome": str(outcome), "owner": owner})

    def delivery(self, id: str) -> Delivery:
        with self.engine.begin() as connection:
            delivery = read_delivery(connection, id)
        if delivery is None:
            raise RequestError(f"there is no delivery {id}", remedy="export-pipelines deliveries lists them")
        return delivery

    def deliveries(
        self, export: str | None = None, artifact: str | None = None, states: Iterable[State] | None = None
    ) -> list[Delivery]:
        """Newest artifacts first, each one's in the order of its `deliver:`. Withdrawn ones are left out unless asked for."""
        wanted = [deliveries.c.state.in_(tuple(states)) if states else deliveries.c.state != "withdrawn"]
        if export is not None:
            wanted.append(artifacts.c.export == export)
        if artifact is not None:
            wanted.append(deliveries.c.artifact == artifact)
        return self._read(*wanted)

    def waiting(self, now: datetime, is_over: Callable[[str], bool]) -> list[Delivery]:
        """Deliveries that are to be tried now: their time has come, or the run that had them in hand `is_over`."""
        return [
            delivery
            for delivery in self.deliveries(states=OPEN)
            if not (delivery.next_at and delivery.next_at > now)
            and (delivery.run_id is None or is_over(delivery.run_id))
            and (delivery.state != "sending" or self._is_free(delivery.lock_key))
        ]

    def arrived(self, export: str, window_key: str, since: datetime | None = None) -> bool:
        """Whether an artifact of the window, made after `since`, is at all of its destinations, or was erased since."""
        with self.engine.begin() as connection:
            return has_arrived(connection, export, window_key, since)

    def windows(self, export: str, first_key: str = "") -> list[WindowRecord]:
        """What became of the export's windows from `first_key` on: an entry for each artifact, oldest first."""
        with self.engine.begin() as connection:
            return window_records(connection, export, first_key)

    def attempts(self, id: str) -> list[dict[str, Any]]:
        """Every attempt at a delivery, oldest first: number, run_id, started_at, ended_at, outcome, error."""
        with self.engine.begin() as connection:
            return attempts_at(connection, id)

    def audit(self, action: str | None = None, subject: str | None = None) -> list[AuditEntry]:
        """Entries of the audit, oldest first."""
        return list(read_entries(self.engine, action, subject=subject))

    def written(self) -> dict[str, WrittenRecord]:
        """What there is of each export."""
        with self.engine.begin() as connection:
            return written_records(connection)

    def delivery_states(self) -> dict[str, int]:
        """How many deliveries there are in each state."""
        with self.engine.begin() as connection:
            return state_counts(connection)

    def _read(self, *wanted: sa.ColumnElement[bool]) -> list[Delivery]:
        with self.engine.begin() as connection:
            return read_deliveries(connection, *wanted)

    def _is_free(self, lock_key: str) -> bool:
        with self.locks.hold(lock_key) as ours:
            return ours

    def _add(self, connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
        return (
            connection.execute(insert_new_returning(connection.dialect.name, table), row).first() is not None
        )

    def _begin(self, id: str, at: datetime, run_id: str | None, again: bool) -> Attempt:
        with self.engine.begin() as connection:
            require_lease(connection, run_id)
            delivery = required_delivery(connection, id)
            end_killed(connection, delivery, at)
            receipt = None if again else earlier_receipt(connection, delivery)
            fault = None if receipt else refusal(connection, delivery, at, again)
            if receipt is None and fault is None:
                open_attempt(connection, delivery, at, run_id, again)
            elif receipt and delivery.state != "delivered":
                update(connection, id, **arrived(receipt), ended_at=at, run_id=run_id)
            delivery = required_delivery(connection, id)
        if fault:
            raise fault
        log.debug("attempt begun", extra={"delivery": id, "number": delivery.attempts})
        return Attempt(self.engine, delivery, receipt)
