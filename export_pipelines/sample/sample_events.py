"""The events that sample leads leave behind: a filter, deliveries to recipients, and the source event last."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from export_pipelines.importer.ids import hashed_id, unix_seconds
from export_pipelines.lead_store.tables import EMPTY_OBJECT, events, iso_text, json_text
from export_pipelines.sample.sample_leads import COLUMNS, PARTY_IDS, Chunk

EVENT_COLUMNS = tuple(column.name for column in events.columns)
KEPT = timedelta(days=90)
NOT_IN_SNAPSHOT = {"custom", "appended", "outcome", "reason", "delivered_at", "recipient_id", "ssn"}
Event = dict[str, Any]


def draw_events(chunk: Chunk, random: Random) -> list[tuple[Any, ...]]:
    """Rows of EVENT_COLUMNS, spelled as SQLite holds them: two or three events for every lead of the chunk."""
    return [
        tuple(event.get(name) for name in EVENT_COLUMNS)
        for values in zip(*(chunk[name] for name in COLUMNS), strict=True)
        for event in _events_of(dict(zip(COLUMNS, values, strict=True)), random)
    ]


def _events_of(lead: Event, random: Random) -> Iterator[Event]:
    submitted = datetime.fromisoformat(lead["submitted_at"])
    snapshot = _snapshot(lead)
    rejected = lead["outcome"] == "failure"
    at = submitted + timedelta(milliseconds=random.randrange(1, 40))
    steps = [_filter(lead, at, rejected)]
    if not rejected:
        wait = random.randrange(120, 5_000)
        steps.append(_delivery(lead, at + timedelta(milliseconds=2), wait, random))
    waited = sum(step["wait_ms"] for step in steps)
    steps.append(_source(lead, steps[-1]["ends"] + timedelta(milliseconds=1)))
    for number, step in enumerate(steps):
        starts, ends = step.pop("starts"), step.pop("ends")
        overhead = random.randrange(1, 9)
        yield step | {
            "event_id": hashed_id(unix_seconds(starts), lead["lead_id"], str(number)),
            "lead_id": lead["lead_id"],
            "occurred_at": iso_text(starts),
            "start_timestamp": _milliseconds(starts),
            "end_timestamp": _milliseconds(ends),
            "ms": _milliseconds(ends) - _milliseconds(starts),
            "wait_ms": waited if step["type"] == "source" else step["wait_ms"],
            "overhead_ms": overhead,
            "lag_ms": random.randrange(3),
            "total_ms": _milliseconds(ends) - _milliseconds(submitted),
            "flow_id": lead["flow_id"],
            "source_id": lead["source_id"],
            "host": f"worker-{random.randrange(1, 5)}",
            "version": "2.24.1",
            "expires_at": iso_text(submitted + KEPT),
            "lead": snapshot,
            "appended": lead["appended"] if step["type"] == "source" else EMPTY_OBJECT,
        }


def _filter(lead: Event, at: datetime, rejected: bool) -> Event:
    return {
        "event_type": "filter.failed" if rejected else "filter.passed",
        "type": "filter",
        "outcome": "failure" if rejected else "success",
        "reason": lead["reason"] if rejected else None,
        "starts": at,
        "ends": at + timedelta(milliseconds=1),
        "wait_ms": 0,
        "step_id": hashed_id(0, "step", "filter", lead["flow_id"]),
    }


def _delivery(lead: Event, at: datetime, wait: int, random: Random) -> Event:
    delivered = lead["outcome"] == "success"
    recipient = lead["recipient_id"] or random.choice(PARTY_IDS["recipient"])
    return {
        "event_type": "recipient.delivered" if delivered else "recipient.error",
        "type": "recipient",
        "outcome": "success" if delivered else "error",
        "reason": None if delivered else lead["reason"],
        "starts": at,
        "ends": at + timedelta(milliseconds=wait + 4),
        "wait_ms": wait,
        "step_id": hashed_id(0, "step", recipient, lead["flow_id"]),
        "recipient_id": recipient,
        "sale_price": lead["price"],
        "cap_reached": 0,
        "module_id": "delivery.outbound.post",
        "handler_version": "1.7.0",
    }


def _source(lead: Event, at: datetime) -> Event:
    words = {"success": "accepted", "failure": "rejected", "error": "error"}
    return {
        "event_type": f"source.{words[lead['outcome']]}",
        "type": "source",
        "outcome": lead["outcome"],
        "reason": lead["reason"],
        "starts": at,
        "ends": at + timedelta(milliseconds=3),
        "wait_ms": 0,
        "purchase_price": lead["purchase_price"],
        "recipient_revenue": lead["price"],
        "module_id": "intake.inbound.post",
        "handler_version": "2.1.0",
    }


def _snapshot(lead: Event) -> str:
    """All lead data as it was, without what is not there yet and without what is never exported."""
    plain = {name: value for name, value in lead.items() if value is not None and name not in NOT_IN_SNAPSHOT}
    return json_text(plain | {"custom": json.loads(lead["custom"] or EMPTY_OBJECT)})


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
