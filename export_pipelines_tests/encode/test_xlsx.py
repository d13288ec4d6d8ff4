"""What is the XLSX file's own: its bytes, its size, its cells' types, and what a sheet cannot hold."""

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import python_calamine

from export_pipelines.catalog import Kind
from export_pipelines.encode.xlsx import shared_strings
from export_pipelines.encode.xlsx.encoder import MAX_COLUMNS, XlsxEncoder
from export_pipelines.encode.xlsx.sheet_cells import letters
from export_pipelines.errors import DataError, LimitReached, RequestError
from export_pipelines.plan.limits import require_room
from export_pipelines_tests.encode.readers import openpyxl_xlsx
from export_pipelines_tests.encode.tables import batches_of, column, plan_of, written

COLUMNS = [
    column("name"),
    column("at", Kind.TIMESTAMP),
    column("day", Kind.DATE),
    column("price", Kind.DECIMAL),
    column("count", Kind.INTEGER),
    column("flag", Kind.BOOLEAN),
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.com")', "\t=1", "007", "1e5", "#N/A"]


def row(n: int) -> tuple[object, ...]:
    at = datetime(2024, 1, 15, 10, 30, 45, 123000, tzinfo=UTC)
    return (
        f"{FORMULAS[n % len(FORMULAS)]} {n * 7919}",
        at,
        date(2024, 1, 15),
        Decimal(n).scaleb(-2),
        n,
        n % 2 == 0,
    )


ROWS = [row(n) for n in range(3000)]


def part(size: int, rows: list[tuple[object, ...]] = ROWS) -> bytes:
    _, parts = written(plan_of(COLUMNS, "xlsx"), batches_of(COLUMNS, rows, size))
    ((_, data),) = parts.items()
    return data


def test_the_bytes_do_not_tell_how_rows_came_in_or_when() -> None:
    assert part(3000) == part(17) == part(1000)


@pytest.mark.parametrize("text", FORMULAS)
def test_text_is_never_a_formula_or_a_number(text: str) -> None:
    _, parts = written(plan_of([column("name")], "xlsx"), batches_of([column("name")], [(text,)], 1))
    sheet = openpyxl.load_workbook(io.BytesIO(parts["part_1.xlsx"])).active
    cell = sheet["A2"]
    assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")


def test_cells_have_the_types_and_formats_of_their_columns() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(part(10, ROWS[:1]))).active
    assert [(cell.data_type, cell.number_format) for cell in sheet[2]] == [
        ("s", "@"), ("d", "yyyy-mm-dd hh:mm:ss.000"), ("d", "yyyy-mm-dd"), ("n", "0.00"), ("n", "0"), ("b", "General"),
    ]  # fmt: skip


def test_pandas_reads_the_values_that_were_written() -> None:
    frame = pd.read_excel(io.BytesIO(part(100)), engine="openpyxl")
    assert list(frame["name"]) == [line[0] for line in ROWS]
    assert [Decimal(str(price)) for price in frame["price"]] == [line[3] for line in ROWS]
    assert list(frame["flag"]) == [line[5] for line in ROWS]
    assert frame["at"].dt.tz_localize("UTC").to_list() == [line[1] for line in ROWS]


@pytest.mark.parametrize("most", [12_000, 20_000, 60_000])
def test_a_part_that_is_cut_by_bytes_is_never_longer(most: int, tmp_path: Path) -> None:
    plan = plan_of(COLUMNS, "xlsx", part_bytes=most)
    _, parts = written(plan, batches_of(COLUMNS, ROWS, 700))
    assert len(parts) > 1 and max(map(len, parts.values())) <= most
    assert [line for data in parts.values() for line in openpyxl_xlsx(data, COLUMNS, tmp_path)] == ROWS


ESCAPES = [
    "_x0041_",
    "_x005F_x0041_",
    "a_x005F_b",
    "plain",
    "a\rb",
    "_x0041_x0042_",
    "_x000D_",
    "x005F_",
    "&_x003c_<",
]


@pytest.mark.parametrize("room", [8 * 2**20, 60, 0])
def test_what_reads_as_an_escape_is_read_as_it_is(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_strings, "SHARED_BYTES", room)
    columns, rows = [column("name"), column("again")], [(text, text) for text in ESCAPES]
    _, parts = written(plan_of(columns, "xlsx"), batches_of(columns, rows, 4))
    data = parts["part_1.xlsx"]
    _, *lines = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    assert lines == rows
    assert openpyxl.load_workbook(io.BytesIO(data), read_only=True).active["A2"].value == ESCAPES[0]
    _, *lines = python_calamine.load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert [tuple(line) for line in lines] == rows
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        shared = archive.read("xl/sharedStrings.xml").decode()
    assert len(shared) < 300 + room
    assert (shared.count("<si>") > len(columns)) == (room > 0)


def test_numbers_and_times_that_are_written_as_text_are_counted_by_column() -> None:
    at = datetime(1899, 12, 31, tzinfo=UTC)
    fits: tuple[object, ...] = (
        "=1",
        datetime(1900, 3, 1, tzinfo=UTC),
        date(1900, 3, 1),
        Decimal("-9999999999999.99"),
        10**15 - 1,
        True,
    )
    rows = [fits, ("1", at, date(1, 1, 1), Decimal("10000000000000.00"), -(10**15), None), (None,) * 6]
    result, parts = written(plan_of(COLUMNS, "xlsx", part_rows=2), batches_of(COLUMNS, rows, 1))
    assert result.cells.as_text == {"at": 1, "day": 1, "price": 1, "count": 1}
    sheet = openpyxl.load_workbook(io.BytesIO(parts["part_1.xlsx"])).active
    assert "".join(cell.data_type for cell in sheet[2]) == "sddnnb"
    assert "".join(cell.data_type for cell in sheet[3]) == "sssssn"
    assert not written(plan_of(COLUMNS, "csv"), batches_of(COLUMNS, rows, 1))[0].cells.as_text


def test_a_text_that_no_cell_holds_names_its_row() -> None:
    columns = [column("lead_id"), column("name")]
    rows = [("a1", "short"), ("a2", "x" * 32_768)]
    with pytest.raises(DataError, match="lead_id a2, name: a text is longer than the 32,767 characters"):
        written(plan_of(columns, "xlsx"), batches_of(columns, rows, 2))
    written(plan_of(columns, "csv"), batches_of(columns, rows, 2))


def test_a_text_that_no_cell_holds_is_an_error() -> None:
    for text, fits in (
        ("a" * 32_767, True),
        ("a" * 32_768, False),
        ("é" * 32_767, True),
        ("😀" * 16_384, False),
    ):
        plan, batches = plan_of([column("name")], "xlsx"), batches_of([column("name")], [(text,)], 1)
        if fits:
            written(plan, batches)
        else:
            with pytest.raises(DataError, match="name: a text is longer than the 32,767 characters"):
                written(plan, batches)


def test_more_columns_than_a_sheet_holds_are_refused() -> None:
    columns = tuple(column(f"c{n}") for n in range(MAX_COLUMNS + 1))
    with pytest.raises(RequestError, match="16,385 columns, and a sheet of xlsx holds 16,384"):
        XlsxEncoder(columns, {})
    assert letters(MAX_COLUMNS - 1) == "XFD"


def test_more_rows_than_a_sheet_holds_are_told_before_anything_is_written() -> None:
    whole = plan_of(COLUMNS, "xlsx", max_rows=5_000_000)
    assert whole.encoding
    plan = whole.model_copy(update={"encoding": whole.encoding.model_copy(update={"max_rows": 1_048_575})})
    require_room(plan, 1_048_575)
    with pytest.raises(
        RequestError, match="1,048,576 rows match, and one xlsx file holds 1,048,575"
    ) as caught:
        require_room(plan, 1_048_576)
    assert caught.value.exit_code == 2
    assert plan.output
    cut = plan.model_copy(update={"output": plan.output.model_copy(update={"part_rows": 1000})})
    require_room(cut, 1_048_576)
    with pytest.raises(LimitReached):
        require_room(cut, 5_000_001)
