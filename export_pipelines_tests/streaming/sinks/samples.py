"""Rows for sinks: masked leads of the sample as a real plan gives them, and small tables with chosen values."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from export_pipelines import mask
from export_pipelines.catalog import Kind
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines.streaming.sink import Envelope, Shown
from export_pipelines_tests.encode.tables import column, frame_of
from export_pipelines_tests.encode.tables import plan_of as table_plan
from export_pipelines_tests.plan import leads
from export_pipelines_tests.run.whole_run import sample_url

AT = datetime(2024, 1, 15, 10, 59, 30, 250_000, UTC)
ENVELOPE = Envelope(export="events", schema_version=3)
BARE = Envelope(export="events", schema_version=3, bare=True)
MASKED = """\
format: ndjson
fields: [lead_id, submitted_at, email, email.domain, last_name, phone_1, dob, price, outcome, comments, custom, revenue]
privacy: {email: hash, last_name: mask, phone_1: mask, dob: mask, comments: redact, custom: redact}
"""
CANARIES = ("email", "last_name", "phone_1", "dob")  # source columns none of whose values may be seen
KEYS = Keys.from_bytes(b"h" * 32, b"m" * 32)
COLUMNS = [column("lead"), column("n", Kind.INTEGER), column("pay", Kind.DECIMAL), column("text")]


def lead_rows(folder: Path, rows: int = 300, first: int = 0) -> tuple[Plan, Shown, pl.DataFrame]:
    """The plan, its masked rows, and the same rows before their masks."""
    plan = leads.plan(folder, MASKED, KEYS.names)
    batches = list(open_source(sample_url(folder, rows)).read(plan.query))
    keys = KEYS.of_plan(plan.masking.key_ids)
    frame = pl.concat([mask.apply(plan, batch, keys).frame for batch in batches])
    raw = pl.concat([pl.DataFrame(batch) for batch in batches])
    return plan, Shown(frame, raw["lead_id"], first, AT), raw


def table() -> Plan:
    """The plan of COLUMNS."""
    return table_plan(COLUMNS, "ndjson")


def shown(rows: Sequence[tuple[Any, ...]], first: int = 0, at: datetime = AT) -> Shown:
    """Rows of COLUMNS; the id of each tells its lead, so that several are versions of one."""
    ids = pl.Series([f"id-{row[0]}" for row in rows], dtype=pl.String)
    return Shown(frame_of(COLUMNS, rows), ids, first, at)
