"""An attempt at a delivery, as the ledger writes it down: begun, ended, or ended by the death of its process."""

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.delivery import Receipt
from export_pipelines.delivery.retry import retry_at
from export_pipelines.errors import ExportError, RequestError, Uncertain
from export_pipelines.ledger.delivery import Delivery, State
from export_pipelines.ledger.series import base_fault, next_attempt
from export_pipelines.ledger.tables import artifacts, attempts, deliveries, journal
from export_pipelines.plan.window import WHOLE_KEY


def open_attempt(
    connection: sa.Connection, delivery: Delivery, at: datetime, run_id: str | None, again: bool
) -> None:
    number = delivery.attempts + 1
    first_at = at if again or delivery.first_at is None else delivery.first_at
    update(
        connection,
        delivery.id,
        state="sending",
        attempts=number,
        first_at=first_at,
        next_at=None,
        run_id=run_id,
    )
    serial = next_attempt(connection, delivery.lock_key)
    row = {"delivery": delivery.id, "number": number, "run_id": run_id, "started_at": at, "serial": serial}
    connection.execute(sa.insert(attempts).values(row))
    if again:
        connection.execute(sa.delete(journal).where(journal.c.delivery == delivery.id))


def end_attempt(connection: sa.Connection, delivery: Delivery, at: datetime, row: Mapping[str, Any]) -> None:
    """The attempt in hand, and with it the `row` of the delivery."""
    update(connection, delivery.id, ended_at=at, **row)
    connection.execute(
        sa.update(attempts)
        .where(attempts.c.delivery == delivery.id, attempts.c.number == delivery.attempts)
        .values(ended_at=at, outcome=row["state"], error=row["error"])
    )


def refusal(connection: sa.Connection, delivery: Delivery, at: datetime, again: bool) -> RequestError | None:
    """Why the delivery must not be tried at all, see `series`; it has failed then, unless it is withdrawn."""
    fault = base_fault(connection, delivery, again)
    if fault and delivery.state != "withdrawn":
        update(connection, delivery.id, state="failed", next_at=None, ended_at=at, error=str(fault))
    return fault


def update(connection: sa.Connection, id: str, **values: Any) -> None:
    connection.execute(sa.update(deliveries).where(deliveries.c.id == id).values(values))


def arrived(receipt: Receipt) -> dict[str, Any]:
    content = receipt.model_dump(mode="json")
    return {
        "state": "delivered",
        "receipt": content,
        "target": receipt.target,
        "error": None,
        "next_at": None,
    }


def failed(delivery: Delivery, error: BaseException, at: datetime) -> dict[str, Any]:
    first_at = delivery.first_at or at
    if isinstance(error, ExportError):
        text = str(error)
    elif not isinstance(error, Exception):
        text = "interrupted"
    else:  # a fault of the program, whose text may quote anything
        text = f"unexpected {type(error).__name__}"
    later = retry_at(error, first_at, at, random.random())  # noqa: S311
    state: State = "retrying" if later else "uncertain" if isinstance(error, Uncertain) else "failed"
    return {"state": state, "next_at": later, "error": text}


def end_killed(connection: sa.Connection, delivery: Delivery, at: datetime) -> None:
    """An attempt without an end, whose lock we hold, was killed."""
    connection.execute(
        sa.update(attempts)
        .where(attempts.c.delivery == delivery.id, attempts.c.outcome.is_(None))
        .values(outcome="killed", ended_at=at)
    )


def same_files(connection: sa.Connection, delivery: Delivery) -> Receipt | None:
    """The receipt of the last delivery with this lock key, when it brought the very same files and they were not erased there."""
    if delivery.window_key == WHOLE_KEY:
        return None  # each run over the whole history is an occasion of its own
    query = (
        sa.select(deliveries.c.receipt, artifacts.c.content, artifacts.c.erased_at)
        .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
        .where(deliveries.c.lock_key == delivery.lock_key, deliveries.c.state == "delivered")
        .order_by(deliveries.c.ended_at.desc())
        .limit(1)
    )
    last = connection.execute(query).first()
    own = sa.select(artifacts.c.content, artifacts.c.series).where(artifacts.c.artifact == delivery.artifact)
    new = connection.execute(own).one()
    if last is None or last.erased_at is not None or last.content != new.content or new.series:
        return None  # of a series, equal files are another step
    return Receipt.model_validate(last.receipt)
