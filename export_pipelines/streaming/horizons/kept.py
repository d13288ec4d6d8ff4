"""What a source keeps for streams whether they run or not: the replication slots of PostgreSQL, by the positions that name them."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from export_pipelines.streaming.horizons.slots import Slots, SlotState


def slot_of(cursor: Mapping[str, Any] | None) -> str | None:
    """The slot that a stored cursor names, were it not made yet."""
    return cursor["position"].get("slot") if cursor else None


def slots_of_source(url: str) -> list[SlotState]:
    """Those that streams of any project have in the database of `url`. Raises SourceError, RetryableError."""
    with closing(Slots(url)) as slots:
        return slots.all()


def drop_slot(url: str, name: str) -> bool:
    """Whether there was such a slot. Raises SourceError, RetryableError."""
    with closing(Slots(url)) as slots:
        return slots.drop(name)
