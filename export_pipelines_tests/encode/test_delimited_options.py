"""Options of CSV and TSV: what other programs read of them is what was written."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import psycopg
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from export_pipelines.catalog import Kind
from export_pipelines.encode.delimited import DelimitedEncoder
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.encode.tables import column

COLUMNS = (column("id", Kind.INTEGER), column("word"), column("amount", Kind.DECIMAL))
TEXTS = st.text(alphabet="aé🎉\\\t\n\rN\"',;. nrt0\x1a\x08", max_size=6)
ROWS = st.lists(
    st.tuples(st.none() | TEXTS, st.none() | st.decimals(-99, 99, places=2)), min_size=1, max_size=8
)
WORDS = [
    None, "", "plain", "\\N", "\\", "\\\\t", "tab\there", "line\nfeed", "carriage\r\nreturn", '"quoted"', "'", "é🎉", " blanks ", "NULL",
    "\\.", "a,b;c|d", "N",
]  # fmt: skip
Row = tuple[int, str | None, Decimal | None]


def frame_of(rows: list[Row]) -> pl.DataFrame:
    schema: dict[str, Any] = {"id": pl.Int64, "word": pl.String, "amount": pl.Decimal(38, 2)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def written(separator: str, rows: list[Row], **options: Any) -> bytes:
    encoder = DelimitedEncoder(separator, COLUMNS, options)
    return encoder.begin() + encoder.encode(frame_of(rows), first=True) + encoder.end(empty=not rows)


ALL_ROWS: list[Row] = [(n, word, None if n % 3 == 0 else Decimal("1.10")) for n, word in enumerate(WORDS)]


def loaded_by_postgresql(url: str, data: bytes, how: str) -> list[Row]:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMP TABLE t (id bigint, word text, amount numeric(38,2))")
        with connection.cursor().copy(f"COPY t FROM STDIN WITH ({how})") as copy:
            copy.write(data)
        return connection.execute("SELECT id, word, amount FROM t ORDER BY id").fetchall()


def test_escaped_tsv_is_loaded_by_postgresql(postgresql_url: str) -> None:
    data = written("\t", ALL_ROWS, escape="backslash")
    assert data.startswith(b"id\tword\tamount\n")
    assert loaded_by_postgresql(postgresql_url, data, "FORMAT text, HEADER true") == ALL_ROWS


@settings(
    max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(cells=ROWS)
def test_every_text_comes_back_from_postgresql(postgresql_url: str, cells: list[tuple[Any, Any]]) -> None:
    rows = [(n, *pair) for n, pair in enumerate(cells)]
    text = written("\t", rows, escape="backslash")
    assert loaded_by_postgresql(postgresql_url, text, "FORMAT text, HEADER true") == rows
    quoted = written(",", rows, quote="text")
    assert loaded_by_postgresql(postgresql_url, quoted, "FORMAT csv, HEADER true") == rows


def test_escaped_tsv_is_loaded_by_mariadb(mariadb_url: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.tsv"
    file.write_bytes(written("\t", ALL_ROWS, escape="backslash"))
    url = make_url(mariadb_url)
    with pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=str(url.password or ""),
        database=url.database, local_infile=True, charset="utf8mb4",
    ) as connection:  # fmt: skip
        cursor = connection.cursor()
        cursor.execute("SET GLOBAL local_infile = 1")
        cursor.execute(
            "CREATE TEMPORARY TABLE t (id BIGINT, word TEXT, amount DECIMAL(38,2)) CHARSET utf8mb4"
        )
        cursor.execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE t CHARACTER SET utf8mb4 IGNORE 1 LINES")
        cursor.execute("SELECT id, word, amount FROM t ORDER BY id")
        assert list(cursor.fetchall()) == ALL_ROWS


@pytest.mark.parametrize("quote", ["minimal", "text", "all"])
@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("line_ending", ["lf", "crlf"])
def test_python_reads_every_way_to_write_csv(quote: str, delimiter: str, line_ending: str) -> None:
    data = written(",", ALL_ROWS, quote=quote, delimiter=delimiter, line_ending=line_ending, bom=True)
    assert data.startswith(b"\xef\xbb\xbf")
    header, *read = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    assert header == ["id", "word", "amount"]
    assert read == [[str(n), word or "", str(amount or "")] for n, word, amount in ALL_ROWS]
    ends = data.count(b"\r\n")
    assert ends == (len(ALL_ROWS) + 1 + 1 if line_ending == "crlf" else 1)  # one stands in a text


@pytest.mark.parametrize(
    ("quote", "line"),
    [("minimal", b'1,,1.10\n2,"",\n'), ("text", b'1,,1.10\n2,"",\n'), ("all", b'"1","","1.10"\n"2","",""\n')],
)
def test_null_is_bare_unless_all_is_quoted(quote: str, line: bytes) -> None:
    rows: list[Row] = [(1, None, Decimal("1.10")), (2, "", None)]
    assert written(",", rows, quote=quote).endswith(line)


ALONE = ["a", None, "", " ", "  ", "\t", "\u00a0", "\u3000", "\n", "\r", "\r\n", " \n ", "\x0b", "b", " "]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("quote", ["minimal", "text", "all"])
def test_a_column_that_stands_alone_loses_no_row(quote: str, separator: str) -> None:
    encoder = DelimitedEncoder(separator, COLUMNS[1:2], {"quote": quote})
    data = encoder.begin() + encoder.encode(pl.DataFrame({"word": ALONE}), first=True)
    read = pd.read_csv(io.BytesIO(data), sep=separator, keep_default_na=False)["word"].tolist()
    assert read == [text or "" for text in ALONE]
    assert [text for (text,) in csv.reader(io.StringIO(data.decode(), newline=""))][1:] == read
