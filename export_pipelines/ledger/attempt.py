"""One attempt at a delivery while it runs: what it knows of those before it, and what it leaves for those after."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import sqlalchemy as sa

from export_pipelines.delivery import Receipt
from export_pipelines.errors import ExportError
from export_pipelines.ledger.attempt_rows import (
    arrived,
    end_attempt,
    failed,
    forget_placing,
    overtaken,
    require_last,
    update,
)
from export_pipelines.ledger.audit_action import AuditOutcome
from export_pipelines.ledger.audit_entries import AuditRecord, add_entry
from export_pipelines.ledger.copies import placing_row
from export_pipelines.ledger.delivery import Delivery
from export_pipelines.ledger.inserts import insert_new
from export_pipelines.ledger.tables import journal, placed

log = logging.getLogger(__name__)

OF_ITEM = (journal.c.delivery == sa.bindparam("of"), journal.c.item == sa.bindparam("of_item"))
SAID, FORGET, SAY = sa.select(journal).where(*OF_ITEM), sa.delete(journal).where(*OF_ITEM), sa.insert(journal)
PLACED = sa.select(placed.c.name, placed.c.sha256, placed.c.export).where(
    placed.c.place == sa.bindparam("of")
)


@dataclass
class Attempt:
    """The Journal of a destination, see there; each call raises Overtaken where another attempt was begun since. It ends well when its `receipt` is set; with `audit`, its end is recorded."""

    engine: sa.Engine
    delivery: Delivery
    receipt: Receipt | None = None
    audit: AuditRecord | None = None

    @property
    def key(self) -> str:
        return self.delivery.id

    def delivered(self, at: datetime) -> None:
        """The attempt ends with its receipt. Raises Overtaken where another attempt was begun since, which the delivery is then
        left to."""
        if self.receipt is None:
            raise ValueError("an attempt ends with a receipt or an error")
        if not self._end(at, arrived(self.receipt), self.receipt):
            raise overtaken(self.delivery)

    def failed(self, error: BaseException, at: datetime) -> None:
        self._end(at, failed(self.delivery, error, at), error)

    def _end(self, at: datetime, row: Mapping[str, Any], end: Receipt | BaseException) -> bool:
        with self.engine.begin() as connection:
            is_last = end_attempt(connection, self.delivery, at, row)
            if is_last and isinstance(end, Receipt):
                forget_placing(connection, self.key, end)
            if audit := self.audit_of(end):
                add_entry(connection, audit.row(at))
        log.debug("attempt ended", extra={"delivery": self.key, "state": row["state"], "is_last": is_last})
        return is_last

    def audit_of(self, end: Receipt | BaseException) -> AuditRecord | None:
        """What the audit says of the attempt's end; of a refusal it has an entry already."""
        if self.audit is None:
            return None
        if isinstance(end, Receipt):
            receipt = end.model_dump_json()
            facts = {
                "files": len(end.files),
                "bytes": end.bytes,
                "sha256": sha256(receipt.encode()).hexdigest(),
            }
            return replace(self.audit, detail={**self.audit.detail, **facts})
        code = end.code if isinstance(end, ExportError) else type(end).__name__
        return replace(self.audit, outcome=AuditOutcome.FAILED, detail={**self.audit.detail, "code": code})

    def heading_for(self, target: str) -> None:
        """Writes down where the artifact goes, for those who look at an attempt that failed."""
        with self._last() as connection:
            update(connection, self.key, target=target)

    def state(self, item: str) -> Literal["handing", "done"] | None:
        row = self._said(item)
        return row.state if row else None

    def proof(self, item: str) -> str:
        row = self._said(item)
        return row.proof if row else ""

    def handing(self, item: str) -> None:
        self._say(item, "handing", "")

    def done(self, item: str, proof: str = "") -> None:
        self._say(item, "done", proof)

    def not_taken(self, item: str) -> None:
        with self._last() as connection:
            self._forget(connection, item)

    def placing(self, place: str, export: str, files: Mapping[str, str]) -> None:
        rows = [{"place": place, "export": export, "name": file, "sha256": files[file]} for file in files]
        placing = placing_row(self.key, place, export, files)
        with self._last() as connection:
            for table, values in ((placed, rows), (journal, placing)):
                connection.execute(insert_new(connection.dialect.name, table), values)

    def placed(self, place: str) -> list[tuple[str, str, str]]:
        with self.engine.begin() as connection:
            rows = connection.execute(PLACED, {"of": place})
            return [(row.name, row.sha256, row.export) for row in rows]

    def _said(self, item: str) -> Any:
        with self._last() as connection:
            return connection.execute(SAID, {"of": self.key, "of_item": item}).first()

    def _say(self, item: str, state: str, proof: str) -> None:
        row = {"delivery": self.key, "item": item, "state": state, "proof": proof}
        with self._last() as connection:
            self._forget(connection, item)
            connection.execute(SAY, row)

    @contextmanager
    def _last(self) -> Iterator[sa.Connection]:
        """A transaction of the last attempt that was begun. Raises Overtaken."""
        with self.engine.begin() as connection:
            require_last(connection, self.delivery)
            yield connection

    def _forget(self, connection: sa.Connection, item: str) -> None:
        connection.execute(FORGET, {"of": self.key, "of_item": item})
