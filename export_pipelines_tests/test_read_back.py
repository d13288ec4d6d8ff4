"""Every field of every lead of a day, exported, and read by other programs, equals what the store holds."""

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.catalog import Kind
from export_pipelines.definition.export import Compression, Format, Split
from export_pipelines.pipeline import run_export
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.stream import Keys, open_source
from export_pipelines_tests.stream.readers import DECOMPRESS, FLOATS, READERS, plain_number, value_of
from export_pipelines_tests.whole_run import NOW, plan_of, sample_url, token

# what the standard fields of the catalog are in the sample's tables, written down by hand
COLUMNS_ELSEWHERE = {
    "flow.id": "l.flow_id",
    "flow.name": "f.name",
    "source.id": "l.source_id",
    "source.name": "s.name",
    "recipient.id": "l.recipient_id",
    "recipient.name": "r.name",
    "revenue": "l.price",
    "cost": "l.purchase_price",
}
LEADS = """\
SELECT {columns} FROM leads l LEFT JOIN flows f ON f.id = l.flow_id LEFT JOIN sources s ON s.id = l.source_id
LEFT JOIN recipients r ON r.id = l.recipient_id ORDER BY l.submitted_at, l.lead_id
"""
CASES = [(form, reader) for form, readers in READERS.items() for reader in readers]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_url(tmp_path_factory.mktemp("source"))


def stored(url: str, columns: tuple[OutputColumn, ...], form: str, reader: str) -> list[tuple[Any, ...]]:
    """The leads by plain SQL, in the types that `reader` gives."""
    names = ", ".join(COLUMNS_ELSEWHERE.get(one.id, f"l.{one.id.split('.')[0]}") for one in columns)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        rows = connection.execute(LEADS.format(columns=names)).fetchall()
    return [
        tuple(found(inside(value, one), one, form, reader) for value, one in zip(row, columns, strict=True))
        for row in rows
    ]


def inside(value: Any, column: OutputColumn) -> Any:
    """The member of a stored object that a field like `custom.loan_amount` names."""
    if column.id in COLUMNS_ELSEWHERE or value is None:
        return value
    for step in column.id.split(".")[1:]:
        value = json.loads(value, parse_float=str) if isinstance(value, str) else value
        value = (value or {}).get(step)
    return value


def found(value: Any, column: OutputColumn, form: str, reader: str) -> Any:
    if value is None or (value == "" and form in ("csv", "tsv") and reader != "duckdb"):
        return None
    if column.kind is Kind.BOOLEAN:
        return bool(value)
    floats = reader == "duckdb" and form.endswith("json")
    if column.kind is Kind.JSON:
        return opened(value, floats)
    if column.kind is Kind.DECIMAL:
        value = Decimal(value).quantize(Decimal(10) ** -(column.scale or 0))
    if column.kind is Kind.NUMBER and form == "xlsx":
        return plain_number(str(value))
    typed = value_of(str(value), column)
    return float(typed) if floats and column.kind in FLOATS else typed


def opened(text: str, floats: bool) -> Any:
    """What a JSON text means; numbers exact unless the reader knows floats only."""
    return json.loads(text, parse_int=float) if floats else json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize(("form", "reader"), CASES)
def test_every_field_of_every_lead_is_read_back_as_stored(form: str, reader: str, url: str, tmp_path: Path):
    codec = "none" if form == "xlsx" else "gzip"
    whole = {"fields": "all", "split": Split(), "compression": Compression(codec=codec)}
    plan = plan_of(format=Format(name=form), **whole)
    store = open_store(str(tmp_path / "store"))
    manifest = run_export(plan, open_source(url), store, Keys(), lambda: NOW, token(1))
    assert plan.masking and plan.compression
    (part,) = manifest.parts
    with store.open(manifest.artifact, part.name) as file:
        data = file.read()
    columns = plan.masking.columns
    assert {"custom", "appended", "comments", "flow.name"} <= {
        one.id for one in columns
    } and manifest.rows == 1000
    rows = READERS[form][reader](DECOMPRESS[plan.compression.codec](data), columns, tmp_path)
    plain = [
        tuple(
            opened(cell, reader == "duckdb" and form.endswith("json"))
            if column.kind is Kind.JSON and isinstance(cell, str)
            else cell
            for cell, column in zip(row, columns, strict=True)
        )
        for row in rows
    ]
    assert plain == stored(url, columns, form, reader)
