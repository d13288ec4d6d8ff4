"""Every text format to the byte, for tables small enough to read."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.encode.encoder import Encoder
from export_pipelines.encode.encoders import encoder_of
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.encode.tables import Row, column, encoded, frame_of, plan_of

ALL = [
    column("text", header="Text"),
    column("text.n", Kind.INTEGER, header="n", path=("inner", "n")),
    column("pay", Kind.DECIMAL, path=("inner", "deep", "pay")),
    column("number", Kind.NUMBER),
    column("flag", Kind.BOOLEAN, path=("inner", "flag")),
    column("day", Kind.DATE),
    column("at", Kind.TIMESTAMP),
    column("extra", Kind.JSON),
]
ROWS: list[Row] = [
    ("é", 2**63 - 1, Decimal("25.00"), "1.10", True, date(1, 1, 1), datetime(2024, 1, 15, 8, 30, 0, 7000, UTC),
     '{"b": [1.50,{}], "a":\r\n""}'),
    (None,) * 8,
    ("", -1, Decimal("-0.05"), "7", False, date(2024, 2, 29), datetime(9999, 12, 31, tzinfo=UTC), "[]"),
]  # fmt: skip
UNSAFE = re.compile(r"^'(?='*[=+\-@\t\r\n＝＋－＠])")
PAIR = [column("a"), column("b")]
CSV = (
    "Text,n,pay,number,flag,day,at,extra\n"
    "é,9223372036854775807,25.00,1.10,true,0001-01-01,2024-01-15T08:30:00.007Z,"
    '"{""b"": [1.50,{}], ""a"":\r\n""""}"\n'
    ",,,,,,,\n"
    '"",-1,-0.05,7,false,2024-02-29,9999-12-31T00:00:00.000Z,[]\n'
)
LINES = [
    '{"text":"é","inner":{"n":9223372036854775807,"deep":{"pay":25.00},"flag":true},"number":1.10,'
    '"day":"0001-01-01","at":"2024-01-15T08:30:00.007Z","extra":{"b": [1.50,{}], "a":  ""}}',
    '{"text":null,"inner":{"n":null,"deep":{"pay":null},"flag":null},"number":null,'
    '"day":null,"at":null,"extra":null}',
    '{"text":"","inner":{"n":-1,"deep":{"pay":-0.05},"flag":false},"number":7,'
    '"day":"2024-02-29","at":"9999-12-31T00:00:00.000Z","extra":[]}',
]
PRETTY = """\
[
  {
    "inner": {
      "n": 1,
      "pay": 2.50
    },
    "extra": {
      "a": [
        1e2,
        {}
      ],
      "{,": []
    }
  },
  {
    "inner": {
      "n": null,
      "pay": null
    },
    "extra": null
  }
]
"""


def encoder(form: str, columns: Sequence[OutputColumn], **options: Any) -> Encoder:
    return encoder_of(plan_of(columns, form, options=options))


def part(form: str, columns: Sequence[OutputColumn], rows: Sequence[Row], **options: Any) -> str:
    return encoded(encoder(form, columns, **options), frame_of(columns, rows)).decode()


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", CSV),
        ("json", "[\n" + ",\n".join(LINES) + "\n]\n"),
        ("ndjson", "".join(line + "\n" for line in LINES)),
    ],
)
def test_every_kind_of_value_has_one_spelling(form: str, text: str) -> None:
    assert part(form, ALL, ROWS) == text


@pytest.mark.parametrize(
    ("cell", "csv", "tsv"),
    [
        (None, "", ""),
        ("", '""', '""'),
        (" x ", " x ", " x "),
        ("a,b", '"a,b"', "a,b"),
        ("a\tb", "a\tb", '"a\tb"'),
        ('say "x"', '"say ""x"""', '"say ""x"""'),
        ("a\nb", '"a\nb"', '"a\nb"'),
        ("a\r\nb", '"a\r\nb"', '"a\r\nb"'),
        ("it's\\n", "it's\\n", "it's\\n"),
        ("=1+1", "=1+1", "=1+1"),
    ],
)
def test_a_cell_is_quoted_only_where_it_must_be(cell: str | None, csv: str, tsv: str) -> None:
    assert part("csv", PAIR, [(cell, "z")]) == f"a,b\n{csv},z\n"
    assert part("tsv", PAIR, [(cell, "z")]) == f"a\tb\n{tsv}\tz\n"


def test_a_header_is_quoted_as_a_cell_is() -> None:
    assert part("csv", [column("a", header='Name, "full"'), column("b")], []) == '"Name, ""full""",b\n'


@pytest.mark.parametrize(
    ("marker", "line"),
    [
        ("NULL", '"NULL",xNULL,"",NULL,1,true,2024-01-15\n'),
        ("1", '"1",x1,"",1,"1",true,2024-01-15\n'),
        ("true", '"true",xtrue,"",true,1,"true",2024-01-15\n'),
        ("2024-01-15", '"2024-01-15",x2024-01-15,"",2024-01-15,1,true,"2024-01-15"\n'),
    ],
)
def test_only_a_null_reads_as_the_null_marker(marker: str, line: str) -> None:
    kinds = (Kind.TEXT, Kind.TEXT, Kind.TEXT, Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.DATE)
    columns = [column(f"c{i}", kind) for i, kind in enumerate(kinds)]
    rows: list[Row] = [(marker, "x" + marker, "", None, 1, True, date(2024, 1, 15))]
    assert part("csv", columns, rows, null_marker=marker).split("\n", 1)[1] == line


@pytest.mark.parametrize(("marker", "null"), [("", '""'), ("NULL", "NULL")])
@pytest.mark.parametrize("kind", list(Kind))
def test_a_null_in_a_lone_column_is_no_empty_line(kind: Kind, marker: str, null: str) -> None:
    assert part("csv", [column("a", kind)], [(None,)], null_marker=marker) == f"a\n{null}\n"


@pytest.mark.parametrize(
    ("cell", "safe"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\tx", "'\tx"), ("\rx", '"\'\rx"'),
     ("\n=1", '"\'\n=1"'), ("＝1", "'＝1"), ("＋1", "'＋1"), ("－1", "'－1"), ("＠a", "'＠a"), ("'=1", "''=1"), ("''-", "'''-"),
     ("a=1", "a=1"), (" =1", " =1"), ("'x", "'x"), ("'", "'"), ("''x", "''x"), ("", '""'), (None, "")],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_made_safe_and_counted(cell: str | None, safe: str) -> None:
    columns = [column("a"), column("n", Kind.INTEGER)]
    writer = encoder("csv", columns, spreadsheet_safe=True)
    assert encoded(writer, frame_of(columns, [(cell, -1)])).decode() == f"a,n\n{safe},-1\n"
    assert writer.counts.neutralised == int(safe.strip('"') == f"'{cell}")


def test_a_header_that_a_spreadsheet_would_run_is_made_safe_too() -> None:
    columns = [column("=cmd|calc!A1_leads"), column("b")]
    assert part("csv", columns, [("x", "y")], spreadsheet_safe=True) == "'=cmd|calc!A1_leads,b\nx,y\n"


@given(
    labels=st.lists(
        st.text("'=+-@\t\r\n＝＋－＠ax ", min_size=1, max_size=4), unique=True, min_size=1, max_size=8
    )
)
def test_what_was_made_safe_is_told_apart_and_can_be_undone(labels: list[str]) -> None:
    columns = [column(f"c{n}", header=label) for n, label in enumerate(labels)]
    text = part("csv", columns, [tuple(labels)], spreadsheet_safe=True, quote="all")
    header, cells = csv.reader(io.StringIO(text, newline=""))
    assert header == cells
    assert [UNSAFE.sub("", cell, count=1) for cell in cells] == labels
    assert len(set(cells)) == len(labels) and not any(
        re.match("[=+\\-@\t\r\n＝＋－＠]", cell) for cell in cells
    )


def test_the_reference_says_how_what_was_made_safe_is_undone() -> None:
    assert f'`re.sub(r"{UNSAFE.pattern}", "", text)`' in (REPOSITORY / "docs/reference.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "like_null"),
    [
        ({}, {"word": 1}),
        ({"quote": "all"}, {"word": 1}),
        ({"null_marker": "NULL"}, {"word": 2}),
        ({"null_marker": "NULL", "quote": "text"}, {"word": 2}),
        ({"null_marker": "1"}, {"word": 1, "count": 2}),
        ({"null_marker": "null"}, {"extra": 1}),
        ({"null_marker": "'-"}, {"word": 1}),
        ({"null_marker": "'-", "spreadsheet_safe": True}, {"word": 1}),
        ({"null_marker": "-"}, {"word": 1}),
        ({"null_marker": "-", "spreadsheet_safe": True}, {}),
    ],
)
def test_values_that_read_as_null_are_counted_by_column(
    options: dict[str, Any], like_null: dict[str, int]
) -> None:
    columns = [column("word"), column("count", Kind.INTEGER), column("extra", Kind.JSON)]
    words = ["", "NULL", "NULL", "1", "-", "'-", None, "null "]
    rows: list[Row] = [
        (word, n % 3 if n < 6 else None, "null" if n == 1 else "{}") for n, word in enumerate(words)
    ]
    for form in ("csv", "tsv"):
        if form == "csv" or "quote" not in options:
            writer = encoder(form, columns, **options)
            encoded(writer, *frame_of(columns, rows).iter_slices(3))
            assert writer.counts.like_null == like_null


@pytest.mark.parametrize(
    "change", [{"pii": PiiClass.DIRECT}, {"pii": PiiClass.INDIRECT, "mask": Mask.KEEP}, {"mask": Mask.HASH}]
)
def test_nothing_is_counted_of_columns_that_are_personal_or_treated(change: dict[str, Any]) -> None:
    """Else the marker would ask how often a name is there."""
    columns = [column("word"), column("name").model_copy(update=change)]
    writer = encoder("csv", columns, null_marker="Ada")
    encoded(writer, frame_of(columns, [("Ada", "Ada"), ("Bob", "Ada")]))
    assert writer.counts.like_null == {"word": 1}
    columns = [column("price", Kind.INTEGER), column("age", Kind.INTEGER).model_copy(update=change)]
    writer = encoder("xlsx", columns)
    encoded(writer, frame_of(columns, [(10**16, 10**16)]))
    assert writer.counts.as_text == {"price": 1}


def test_escaped_tsv_has_no_value_that_reads_as_null() -> None:
    columns = [column("word"), column("count", Kind.INTEGER)]
    writer = encoder("tsv", columns, escape="backslash")
    encoded(writer, frame_of(columns, [("", 1), ("\\N", 2), (None, 3)]))
    assert not writer.counts.like_null


def test_pretty_json_changes_white_space_only() -> None:
    columns = [
        column("n", Kind.INTEGER, path=("inner", "n")),
        column("pay", Kind.DECIMAL, path=("inner", "pay")),
        column("extra", Kind.JSON),
    ]
    rows: list[Row] = [(1, Decimal("2.50"), '{"a":[1e2, {}],"{,":[]}'), (None, None, None)]
    assert part("json", columns, rows, pretty=True) == PRETTY


def test_fields_of_one_object_stand_together_where_the_first_of_them_stood() -> None:
    columns = [column("x.a", path=("x", "a")), column("b"), column("x.c", Kind.NUMBER, path=("x", "c"))]
    assert part("ndjson", columns, [("1", "2", "3")]) == '{"x":{"a":"1","c":3},"b":"2"}\n'


def test_no_field_stands_inside_another_fields_value() -> None:
    with pytest.raises(ValueError, match=r"x\.a would stand inside x"):
        encoder("json", [column("x"), column("x.a", path=("x", "a"))])


@pytest.mark.parametrize(
    ("form", "options", "text"),
    [
        ("csv", {}, "a,b\n"),
        ("tsv", {}, "a\tb\n"),
        ("json", {}, "[]\n"),
        ("json", {"pretty": True}, "[]\n"),
        ("ndjson", {}, ""),
    ],
)
def test_a_part_without_rows_is_still_whole(form: str, options: dict[str, Any], text: str) -> None:
    assert encoded(encoder(form, PAIR, **options)).decode() == text
