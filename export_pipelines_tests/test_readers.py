"""docs/readers.md is about every format there is, and what it says comes from a comparison that finds faults."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import Kind
from export_pipelines.definition.output import CODECS, FORMATS
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.encode.readers import READERS
from readers.compare import Difference, Table, Unlike, differences, same
from readers.page import EVERY, Reading, page
from readers.source import COLUMNS, FORMS, PACKED, ROWS, Form, write_file

PAGE = (REPOSITORY / "docs" / "readers.md").read_text(encoding="utf-8")
NAMES = [column.header for column in COLUMNS]


def matrix(title: str) -> list[list[str]]:
    """The table whose first column is the program, and whose others are those of `title`."""
    lines = PAGE[PAGE.index(f"| program | {title}") :].split("\n\n")[0].splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("|---")
    ]


def test_the_page_is_about_every_format_and_codec() -> None:
    formats, *programs = matrix(" | ".join(FORMS))
    assert {form.format for form in FORMS.values()} == set(FORMATS)
    assert set(matrix(" | ".join(PACKED))[0][1:]) == set(CODECS) - {"none"}
    assert len(programs) >= 14
    for place, form in enumerate(formats[1:], 1):
        assert f"\n## {form}\n" in PAGE
        assert sum(row[place] == "all" for row in programs) >= 1, form


def test_most_programs_read_gzip() -> None:
    codecs, *programs = matrix(" | ".join(PACKED))
    read = {codec: sum(row[place] == "all" for row in programs) for place, codec in enumerate(codecs[1:], 1)}
    assert max(read, key=lambda codec: read[codec]) == "gzip"


def test_the_page_names_no_folder_and_no_host() -> None:
    assert not re.search(r"/tmp/|/work/|/root/|https?://|127\.0\.0\.1", PAGE)


@pytest.mark.parametrize("place", range(len(COLUMNS)))
def test_one_value_that_changed_is_found(place: int) -> None:
    read = [list(row) for row in ROWS]
    assert differences(COLUMNS, ROWS, Table(NAMES, read)) == []
    read[3][place] = "other"
    assert [difference.column for difference in differences(COLUMNS, ROWS, Table(NAMES, read))] == [
        NAMES[place]
    ]
    read[3][place] = None
    assert len(differences(COLUMNS, ROWS, Table(NAMES, read))) == int(ROWS[3][place] is not None)


NIGHT = datetime(2024, 2, 29)  # noqa: DTZ001 - as libraries give days
AT = datetime(2024, 1, 15, 10, 30, 45, 123000, UTC)


@pytest.mark.parametrize(
    ("kind", "written", "read", "alike"),
    [
        (Kind.TEXT, "02769", "02769", True), (Kind.TEXT, "02769", 2769, False), (Kind.TEXT, "02769", "2769", False),
        (Kind.TEXT, "", "", True), (Kind.TEXT, "", None, False), (Kind.TEXT, None, "", False), (Kind.TEXT, None, float("nan"), True),
        (Kind.TEXT, "true", True, False), (Kind.TEXT, "a\r\nb", "a\nb", False),
        (Kind.INTEGER, 2**63 - 1, "9223372036854775807", True), (Kind.INTEGER, 2**63 - 1, float(2**63), False),
        (Kind.INTEGER, 1, True, False), (Kind.INTEGER, 1, 1.0, True), (Kind.INTEGER, None, "", True), (Kind.INTEGER, 0, "", False),
        (Kind.INTEGER, None, 0, False),
        (Kind.DECIMAL, Decimal("25.00"), 25, True), (Kind.DECIMAL, Decimal("0.10"), 0.1, True),
        (Kind.DECIMAL, Decimal("12345678901234567.89"), 12345678901234567.89, False),
        (Kind.BOOLEAN, True, "TRUE", True), (Kind.BOOLEAN, True, 1.0, True), (Kind.BOOLEAN, True, 0, False), (Kind.BOOLEAN, False, "x", False),
        (Kind.TIMESTAMP, AT, "2024-01-15T10:30:45.123Z", True), (Kind.TIMESTAMP, AT, AT.replace(tzinfo=None), True),
        (Kind.TIMESTAMP, AT, "2024-01-15 11:30:45.123+01:00", True), (Kind.TIMESTAMP, AT, "2024-01-15 10:30:45", False),
        (Kind.DATE, date(2024, 2, 29), NIGHT, True), (Kind.DATE, date(2024, 2, 29), "2024-02-29", True),
        (Kind.DATE, date(2024, 2, 29), NIGHT.replace(hour=1), False), (Kind.DATE, date(2024, 2, 29), "45351", False),
        (Kind.JSON, '{"a": [1, 2.50]}', {"a": [1, 2.5]}, True), (Kind.JSON, "{}", {"a": None}, False),
        (Kind.JSON, '{"a": 12345678901234567890.125}', {"a": 12345678901234567890.125}, False), (Kind.JSON, '{"a": 1}', {"a": True}, False),
    ],
)  # fmt: skip
def test_a_value_is_the_same_in_any_type_that_holds_it(
    kind: Kind, written: Any, read: Any, alike: bool
) -> None:
    assert same(kind, written, read) is alike


def test_rows_and_columns_that_are_missing_are_no_small_differences() -> None:
    with pytest.raises(Unlike, match="29 rows instead of 30"):
        differences(COLUMNS, ROWS, Table(NAMES, ROWS[1:]))
    with pytest.raises(Unlike, match="other columns"):
        differences(COLUMNS, ROWS, Table(NAMES[:-1], [row[:-1] for row in ROWS]))
    with pytest.raises(Unlike, match="a row of 10 values instead of 9"):
        differences(COLUMNS, ROWS, Table(NAMES, [[*row, 1] for row in ROWS]))


def test_the_page_tells_what_was_found() -> None:
    wrong = Reading("B", "2", "b(file)", tuple(Difference("word", f'"{n}|"', "null") for n in range(5)))
    text = page(
        {"csv": [Reading("A", "1", "a(file)"), wrong]},
        {"gzip": [Reading("C", "3", "c", refused="no | way")]},
        30,
        9,
        ["D"],
    )
    assert "| A 1 | all |" in text and "| B 2 | 5 |" in text and "| C 3 | - |" in text
    assert f"| A 1 | `a(file)` | {EVERY} |" in text
    assert (
        '| B 2 | `b(file)` | word: `"0\\|"` → `null`, `"1\\|"` → `null`, `"2\\|"` → `null` and 2 more |'
        in text
    )
    assert "refused: no \\| way" in text and "could not be installed: D" in text


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_the_files_are_those_of_the_product(form: str, tmp_path: Path) -> None:
    file = write_file(tmp_path, Form(form))
    (reader, *_) = READERS[form].values()
    rows = [list(row) for row in reader(file.read_bytes(), COLUMNS, tmp_path)]
    assert differences(COLUMNS, ROWS, Table(NAMES, rows)) == []
