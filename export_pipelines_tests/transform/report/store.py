"""A sample store with events of every kind, and reports made of it, read back from Parquet."""

import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import insert, select

from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.lead_store.store import writing
from export_pipelines.lead_store.tables import metadata
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.plan import Window
from export_pipelines.plan.window import window_between
from export_pipelines.read.open_source import open_source
from export_pipelines.run.statistics import Written
from export_pipelines.run.write_parts import write_parts
from export_pipelines.sample import generate_leads
from export_pipelines_tests.encode.tables import MemoryStore

LEADS, DAYS, SEED, FIRST_DAY = 200, 45, 11, date(2024, 1, 1)
MANY_LEADS = 600  # several in each group and on each day
JANUARY = window_between("2024-01-01", "2024-02-01")
CATALOG = load_catalog(None)
Row = dict[str, Any]


def fill(folder: Path, leads: int = LEADS) -> str:
    """The URL of a store of so many leads; some of them pinged, sold twice, returned, converted, or with a step left out."""
    file = folder / "leads.db"
    file.write_bytes(_filled(leads))
    return f"sqlite:///{file}"


@cache
def _filled(leads: int) -> bytes:
    """The store's file: the same every time, so made once."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "leads.db"
        _write(file, leads)
        return file.read_bytes()


def _write(file: Path, leads: int) -> None:
    generate_leads(f"sqlite:///{file}", leads, SEED, FIRST_DAY, DAYS, events=True)
    with sqlite3.connect(file) as connection:
        connection.row_factory = sqlite3.Row
        old = [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY event_id")]
        for number, event in enumerate(_more(old)):
            event["event_id"] = f"{number:024x}"
            marks = ", ".join("?" for _ in event)
            connection.execute(
                f"INSERT INTO events ({', '.join(event)}) VALUES ({marks})", tuple(event.values())
            )


def _more(events: list[Row]) -> Iterator[Row]:
    for n, event in enumerate(events):
        if event["type"] == "source":
            yield from _pings(event, n)
        if event["event_type"] == "recipient.delivered":
            yield from _feedback(event, n)
            if n % 6 == 0:
                yield event | {"recipient_id": events[n // 2]["recipient_id"], "sale_price": "12.34", "ms": 7}
            if n % 11 == 0:
                failed = {"event_type": "recipient.failed", "outcome": "failure", "reason": "no budget"}
                yield event | failed
        if n % 13 == 0:
            skipped = {
                "type": "recipient",
                "event_type": "step.skipped",
                "outcome": "skip",
                "sale_price": "99.00",
            }
            yield event | skipped | {"wait_ms": None, "recipient_id": None}


def _pings(event: Row, n: int) -> Iterator[Row]:
    for outcome in ("success", "failure")[: n % 3]:
        yield event | {"type": "ping", "event_type": f"ping.{outcome}", "outcome": outcome, "ms": n % 50}


def _feedback(event: Row, n: int) -> Iterator[Row]:
    """Days after the delivery, and with the price of it, which must not be counted again."""
    later = datetime.fromisoformat(event["occurred_at"]) + timedelta(days=n % 4)
    at = later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    outcome = ("success", "success", "failure", "error")[n // 5 % 4]
    for step, kind in ((4, "returned"), (3, "converted")):
        if n % step == 0:
            feedback = {"event_type": f"feedback.{kind}", "type": "feedback-received"}
            yield event | feedback | {"outcome": outcome, "occurred_at": at}
        if n % (step + 3) == 0:
            word = {"returned": "return", "converted": "conversion"}[kind]
            feedback = {"event_type": "feedback.sent", "type": "feedback-sent"}
            yield (
                event | feedback | {"outcome": outcome, "appended": json.dumps({"feedback": {"type": word}})}
            )


def copy(source: str, target: str) -> None:
    """The store at `source` once more, with the types of the database at `target`."""
    with writing(source) as old, writing(target) as new:
        metadata.create_all(new)
        for table in metadata.sorted_tables:
            new.execute(insert(table), [dict(row) for row in old.execute(select(table)).mappings()])


def plan_of(url: str, folder: Path, yaml: str, window: Window = JANUARY) -> Plan:
    """The plan of a report of these lines; its format is Parquet unless they say another."""
    text = yaml if "format:" in yaml else f"format: parquet\n{yaml}"
    file = folder / "a_report.yaml"
    file.write_text(f"type: report\n{text}\n", encoding="utf-8")
    return compile_plan(PlanRequest(load_definition(file, CATALOG), window, CATALOG, url.partition(":")[0]))


def run(url: str, plan: Plan) -> tuple[Written, dict[str, bytes]]:
    """What was written, and the parts."""
    store = MemoryStore()
    written = write_parts(plan, open_source(url).read(plan.query), store.open_part, Keys())
    return written, store.parts


def report(url: str, folder: Path, yaml: str, window: Window = JANUARY) -> list[Row]:
    """The rows of a report, header to value."""
    _, parts = run(url, plan_of(url, folder, yaml, window))
    ((_, data),) = parts.items()
    rows: list[Row] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows
