"""What the ledger knows of the copies of artifacts: what attempts put where, what they handed over, and what stands at a place."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from export_pipelines.delivery import Receipt
from export_pipelines.delivery.destination import ENCRYPTED, NOTES, OF_ENCRYPTION
from export_pipelines.delivery.removal import Placing
from export_pipelines.ledger.delivery import Delivery
from export_pipelines.ledger.tables import artifacts, deliveries, journal, placed

PLACING = "placing/"  # how the items of placings begin; no file has a slash in its name


@dataclass(frozen=True)
class OtherCopy:
    """A delivered copy of another artifact, which is not erased; `is_same` says whether all files of the two are equal."""

    artifact: str
    receipt: Receipt
    is_same: bool


def placing_row(delivery: str, place: str, export: str, files: Mapping[str, str]) -> dict[str, str]:
    """What the journal says of files that an attempt is about to put at a place."""
    proof = json.dumps({"place": place, "export": export, "files": dict(files)})
    return {"delivery": delivery, "item": placing_item(place, files), "state": "handing", "proof": proof}


def placing_item(place: str, files: Mapping[str, str]) -> str:
    content = json.dumps([place, *sorted(files.items())])
    return PLACING + hashlib.sha256(content.encode()).hexdigest()[:32]


def unfinished_placings(engine: sa.Engine, delivery: Delivery) -> list[Placing]:
    """What attempts at the delivery put at places, or began to, where its receipt does not name it."""
    placings = []
    for row in _journal_of(engine, delivery.id):
        if row.item.startswith(PLACING):
            content = json.loads(row.proof)
            placings.append(
                Placing(content["place"], content["export"], delivery.window_key, content["files"])
            )
    receipt = delivery.receipt
    return [
        placing
        for placing in placings
        if not receipt
        or placing.place != receipt.target
        or not placing.files.items() <= receipt.digests.items()
    ]


def earlier_placings(engine: sa.Engine, delivery: Delivery, sha256s: Iterable[str]) -> list[Placing]:
    """What attempts of an earlier release, whose journals say nothing of it, put at places, or began to: all files with one of
    these digests, or those of the delivery's encrypted files."""
    digests = set(sha256s)
    for row in _journal_of(engine, delivery.id):
        if row.item == ENCRYPTED:
            digests |= {file["sha256"] for file in json.loads(row.proof)["files"]}
    query = sa.select(placed).where(placed.c.sha256.in_(digests)).order_by(placed.c.place, placed.c.name)
    with engine.begin() as connection:
        rows = connection.execute(query).all()
    by_place = defaultdict[tuple[str, str], dict[str, str]](dict)
    for row in rows:
        if delivery.target and row.place.startswith(delivery.target.rstrip("/")):
            by_place[row.place, row.export][row.name] = row.sha256
    return [Placing(place, export, delivery.window_key, files) for (place, export), files in by_place.items()]


def handed_over(engine: sa.Engine, delivery: str) -> int:
    """How many things attempts at the delivery handed over, or began to, where nothing is put at a place."""
    items = (str(row.item) for row in _journal_of(engine, delivery))
    things = (item.rpartition(OF_ENCRYPTION)[0] or item for item in items if not item.startswith(PLACING))
    return sum(thing not in NOTES for thing in things)


def copies_of_others(engine: sa.Engine, artifact: str, place: str) -> Iterator[OtherCopy]:
    """The copies of other artifacts that were delivered to the place, and are not erased."""
    content = sa.select(artifacts.c.content).where(artifacts.c.artifact == artifact).scalar_subquery()
    query = (
        sa.select(deliveries.c.artifact, deliveries.c.receipt, (artifacts.c.content == content).label("same"))
        .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
        .where(
            deliveries.c.target == place,
            deliveries.c.artifact != artifact,
            artifacts.c.erased_at.is_(None),
        )
    )
    with engine.begin() as connection:
        rows = connection.execute(query.order_by(artifacts.c.created_at)).all()
    for row in rows:
        if row.receipt:
            yield OtherCopy(row.artifact, Receipt.model_validate(row.receipt), bool(row.same))


def _journal_of(engine: sa.Engine, delivery: str) -> list[Any]:
    with engine.begin() as connection:
        return list(connection.execute(sa.select(journal).where(journal.c.delivery == delivery)))
