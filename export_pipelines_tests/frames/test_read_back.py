"""Every field of every lead and event of a day, exported, and read by other programs, equals what the store holds."""

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import simplejson

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import open_store
from export_pipelines.catalog import Kind
from export_pipelines.definition.export import Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import OutputColumn, Plan
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.encode.readers import DECOMPRESS, FLOATS, READERS, plain_number, value_of
from export_pipelines_tests.run.whole_run import NOW, plan_of, sample_url, token

# what the standard fields of the catalog are in the sample's tables, written down by hand
PARTIES = {
    "flow.id": "t.flow_id",
    "flow.name": "f.name",
    "source.id": "t.source_id",
    "source.name": "s.name",
    "recipient.id": "t.recipient_id",
    "recipient.name": "r.name",
}
COLUMNS_ELSEWHERE = {
    "lead": {**PARTIES, "revenue": "t.price", "cost": "t.purchase_price"},
    "event": {**PARTIES, "revenue": "t.sale_price", "cost": "t.purchase_price"},
}
ROWS = """\
SELECT {columns} FROM {type}s t LEFT JOIN flows f ON f.id = t.flow_id LEFT JOIN sources s ON s.id = t.source_id
LEFT JOIN recipients r ON r.id = t.recipient_id
WHERE {time} >= '2024-01-15' AND {time} < '2024-01-16' ORDER BY {time}, t.{type}_id
"""
TIME = {"lead": "t.submitted_at", "event": "t.occurred_at"}
ALWAYS = {
    "lead": {"custom", "appended", "comments", "flow.name"},
    "event": {"occurred_at", "total_ms", "appended", "recipient_revenue"},
}
LEADS = 100
CASES = [(form, reader) for form, readers in READERS.items() for reader in readers]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_url(tmp_path_factory.mktemp("source"), LEADS, events=True)


def stored(
    url: str, type: str, columns: tuple[OutputColumn, ...], form: str, reader: str
) -> list[tuple[Any, ...]]:
    """The rows by plain SQL, in the types that `reader` gives."""
    names = ", ".join(
        COLUMNS_ELSEWHERE[type].get(column.id, f"t.{column.id.split('.')[0]}") for column in columns
    )
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        rows = connection.execute(ROWS.format(columns=names, type=type, time=TIME[type])).fetchall()
    return [
        tuple(
            expected_value(inside(value, column), column, form, reader)
            for value, column in zip(row, columns, strict=True)
        )
        for row in rows
    ]


def inside(value: Any, column: OutputColumn) -> Any:
    """The member of a stored object that a field like `custom.loan_amount` names."""
    if column.id in PARTIES or value is None:
        return value
    for step in column.id.split(".")[1:]:
        value = simplejson.loads(value, use_decimal=True) if isinstance(value, str) else value
        value = (value or {}).get(step)
    return simplejson.dumps(value, use_decimal=True) if isinstance(value, dict) else value


def expected_value(value: Any, column: OutputColumn, form: str, reader: str) -> Any:
    if value is None or (
        value == "" and form in ("csv", "tsv", "xlsx") and reader not in ("duckdb", "openpyxl")
    ):
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


@pytest.fixture(scope="module")
def part_of(url: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[Plan, bytes]]:
    """The plan and the one part of all fields, by type and format; readers share them."""
    folder = tmp_path_factory.mktemp("exported")

    @cache
    def export(type: str, form: str) -> tuple[Plan, bytes]:
        codec = "none" if form == "xlsx" else "gzip"
        whole: dict[str, Any] = {"fields": "all", "split": Split(), "compression": Compression(codec=codec)}
        plan = plan_of(type=type, format=Format(name=form), **whole)
        store = open_store(str(folder / type / form))
        manifest = run_export(plan, RunContext(open_source(url), store, Keys(), lambda: NOW), token(1))
        assert manifest.rows >= LEADS
        (part,) = manifest.parts
        with store.open(manifest.artifact, part.name) as file:
            return plan, file.read()

    return export


@pytest.mark.parametrize("type", ["lead", "event"])
@pytest.mark.parametrize(("form", "reader"), CASES)
def test_every_field_of_every_row_is_read_back_as_stored(
    type: str,
    form: str,
    reader: str,
    url: str,
    part_of: Callable[[str, str], tuple[Plan, bytes]],
    tmp_path: Path,
) -> None:
    plan, data = part_of(type, form)
    columns = plan.masking.columns
    assert ALWAYS[type] <= {column.id for column in columns}
    assert type == "lead" or ("lead" if form.endswith("json") else "lead.email") in {
        column.id for column in columns
    }
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
    assert plain == stored(url, type, columns, form, reader)
