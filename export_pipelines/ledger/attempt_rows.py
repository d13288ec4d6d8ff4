"""An attempt at a delivery, as the ledger writes it down: begun, ended, or ended by the death of its process."""

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.delivery import Receipt
from export_pipelines.delivery.retry import retry_at
from export_pipelines.errors import ExportError, Overtaken, RequestError, Uncertain
from export_pipelines.ledger.copies import PLACING, placing_item
from export_pipelines.ledger.delivery import Delivery, State
from export_pipelines.ledger.series import base_fault, last_arrived, next_attempt
from export_pipelines.ledger.tables import artifacts, attempts, deliveries, journal
from export_pipelines.plan.window import WHOLE_KEY

OF_DELIVERY = attempts.c.delivery == sa.bindparam("of")
INSERT = sa.insert(attempts)
END = sa.update(attempts).where(OF_DELIVERY, attempts.c.number == sa.bindparam("of_number"))
END_KILLED = sa.update(attempts).where(OF_DELIVERY, attempts.c.outcome.is_(None))
UPDATE = sa.update(deliveries).where(deliveries.c.id == sa.bindparam("of"))
PLACED = sa.delete(journal).where(
    journal.c.delivery == sa.bindparam("of"), journal.c.item == sa.bindparam("of_item")
)
NUMBER = sa.select(deliveries.c.attempts).where(deliveries.c.id == sa.bindparam("of")).with_for_update()
CURRENT = (
    sa.select(deliveries.c.attempts, deliveries.c.state)
    .where(deliveries.c.id == sa.bindparam("of"))
    .with_for_update()
)
RECEIPT = sa.select(deliveries.c.receipt).where(
    deliveries.c.artifact == sa.bindparam("of"), deliveries.c.lock_key == sa.bindparam("of_lock")
)
CONTENT = sa.select(artifacts.c.content, artifacts.c.series).where(artifacts.c.artifact == sa.bindparam("of"))


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
    connection.execute(INSERT, row)
    if again:
        said = sa.and_(journal.c.delivery == delivery.id, journal.c.item.not_like(f"{PLACING}%"))
        connection.execute(sa.delete(journal).where(said))


def require_last(connection: sa.Connection, delivery: Delivery) -> None:
    """Raises Overtaken for an attempt after which another one was begun: it may go on with nothing. Locks can be lost, since
    those of PostgreSQL end with the connection that holds them."""
    if connection.scalar(NUMBER, {"of": delivery.id}) != delivery.attempts:
        raise overtaken(delivery)


def overtaken(delivery: Delivery) -> Overtaken:
    return Overtaken(
        "another process has begun the delivery anew, as the connection to the ledger that held its lock was broken",
        where=delivery.artifact,
        remedy="export-pipelines deliveries tells how that one ended",
    )


def end_attempt(connection: sa.Connection, delivery: Delivery, at: datetime, row: Mapping[str, Any]) -> bool:
    """The attempt in hand, and with it the `row` of the delivery, which stays as it is, with False, where another attempt was
    begun since. One that was withdrawn meanwhile, and did not arrive, is not tried again."""
    end = {"ended_at": at, "outcome": row["state"], "error": row["error"]}
    current = connection.execute(CURRENT, {"of": delivery.id}).one()
    connection.execute(END, {"of": delivery.id, "of_number": delivery.attempts, **end})
    if current.attempts != delivery.attempts:
        return False
    if row["state"] in ("retrying", "failed") and current.state == "withdrawn":
        row = {**row, "state": "withdrawn", "next_at": None}
    update(connection, delivery.id, ended_at=at, **row)
    return True


def forget_placing(connection: sa.Connection, delivery: str, receipt: Receipt) -> None:
    """What was put at a place has arrived: the receipt says so from now on."""
    item = placing_item(receipt.target, receipt.digests)
    connection.execute(PLACED, {"of": delivery, "of_item": item})


def refusal(connection: sa.Connection, delivery: Delivery, at: datetime, again: bool) -> RequestError | None:
    """Why the delivery must not be tried at all, see `series`; it has failed then, unless it is withdrawn."""
    fault = base_fault(connection, delivery, again)
    if fault and delivery.state != "withdrawn":
        update(connection, delivery.id, state="failed", next_at=None, ended_at=at, error=str(fault))
    return fault


def update(connection: sa.Connection, id: str, **values: Any) -> None:
    connection.execute(UPDATE, {"of": id, **values})


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
    connection.execute(END_KILLED, {"of": delivery.id, "outcome": "killed", "ended_at": at})


def earlier_receipt(connection: sa.Connection, delivery: Delivery) -> Receipt | None:
    """Why nothing is left to do: it was delivered, or the very same files were the last to go there. A delivery that was
    sent again and did not arrive has a receipt, too, of before."""
    if delivery.state == "delivered":
        return delivery.receipt
    return None if delivery.attempts else _same_files(connection, delivery)


def _same_files(connection: sa.Connection, delivery: Delivery) -> Receipt | None:
    """The receipt of the last delivery with this lock key, when it brought the very same files, and they were neither erased
    there nor touched by an attempt since."""
    if delivery.window_key == WHOLE_KEY:
        return None  # each run over the whole history is an occasion of its own
    new = connection.execute(CONTENT, {"of": delivery.artifact}).one()
    last = last_arrived(connection, delivery.lock_key)
    if new.series or last.artifact is None or last.is_erased or last.tried:
        return None  # of a series, equal files are another step
    if connection.execute(CONTENT, {"of": last.artifact}).one().content != new.content:
        return None
    receipt = connection.scalar(RECEIPT, {"of": last.artifact, "of_lock": delivery.lock_key})
    return Receipt.model_validate(receipt) if receipt else None
