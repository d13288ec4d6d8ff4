"""Every text format to the byte, for tables small enough to read."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.stream.encoder import Encoder
from export_pipelines.stream.encoders import encoder_of
from export_pipelines_tests.stream.tables import Row, column, encoded, frame_of, plan_of

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
     ("a=1", "a=1"), (" =1", " =1"), ("'x", "'x"), ("", '""'), (None, "")],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_made_safe_and_counted(cell: str | None, safe: str) -> None:
    columns = [column("a"), column("n", Kind.INTEGER)]
    writer = encoder("csv", columns, spreadsheet_safe=True)
    assert encoded(writer, frame_of(columns, [(cell, -1)])).decode() == f"a,n\n{safe},-1\n"
    assert writer.neutralised == int(cell is not None and safe.strip('"')[:2] == f"'{cell[:1]}")


def test_a_header_that_a_spreadsheet_would_run_is_made_safe_too() -> None:
    columns = [column("=cmd|calc!A1_leads"), column("b")]
    assert part("csv", columns, [("x", "y")], spreadsheet_safe=True) == "'=cmd|calc!A1_leads,b\nx,y\n"


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
