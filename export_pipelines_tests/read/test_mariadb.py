"""What only MariaDB has: collations, zero dates, rows of any length, faults that are warnings, an end in the middle."""

import io
import re
import sys
from contextlib import closing
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from export_pipelines.definition.export import Split
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError, RetryableError, SourceError
from export_pipelines.read.mariadb import rows as mariadb_rows
from export_pipelines.read.mariadb.reader import inlined
from export_pipelines.read.mariadb.rows import Refused, read_rows
from export_pipelines.read.open_source import open_source
from export_pipelines.sample import generate_leads
from export_pipelines_tests.plan.tables import request_for
from export_pipelines_tests.read.databases import Mariadb, chosen, query_of, read, source_of
from export_pipelines_tests.run.whole_run import plan_of

END = b"\xfe\0\0\2\0"


@pytest.fixture
def database(mariadb_url: str) -> Mariadb:
    return Mariadb(mariadb_url)


def rule(lhv: str, op: Op, rhv: Any = None) -> Any:
    return request_for(Filter(rules=(Rule(lhv=lhv, op=op, rhv=rhv),)))


@pytest.mark.parametrize(
    ("op", "rhv", "expected"),
    [
        (Op.EQUAL, "a", [0, 1]),
        (Op.INCLUDED, ("a", "b"), [0, 1]),
        (Op.MATCHES, "^a", [0, 2, 3]),
        (Op.EQUAL, "k", [6]),
        (Op.INCLUDES, "K", [6]),
        (Op.INCLUDES, "E", [5]),
        (Op.EQUAL, "É", [4]),
    ],
)
def test_texts_are_compared_by_code_point_whatever_their_columns_collation(
    database: Mariadb, op: Op, rhv: Any, expected: list[int]
) -> None:
    words = ["a", "A", "a ", "ab", "é", "e", "k", "\u212a"]
    database.fill([{"word": word} for word in words])
    database.execute("ALTER TABLE leads MODIFY word TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    assert chosen(database, rule("word", op, rhv)) == expected


@pytest.mark.parametrize("kind", ["latin1", "utf8mb3", "utf16"])
def test_texts_of_other_character_sets_are_read_and_compared(database: Mariadb, kind: str) -> None:
    database.fill([{"word": "Café"}, {"word": "cafe"}])
    database.execute(f"ALTER TABLE leads MODIFY word TEXT CHARACTER SET {kind}")
    assert [row["word"] for row in read(database, query_of(database))] == ["Café", "cafe"]
    assert chosen(database, rule("word", Op.EQUAL, "CAFÉ")) == [0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "0000-00-00 00:00:00"),
        ("at_sql", "0000-00-00 00:00:00"),
        ("day", "0000-00-00"),
        ("day", "2024-02-31"),
        ("amount", "many"),
        ("flag", 2),
        ("doc", "not JSON"),
        ("doc", ""),
    ],
)
def test_a_value_that_no_file_can_hold_is_refused_with_its_row(
    database: Mariadb, column: str, value: Any
) -> None:
    database.fill([{}])
    database.execute("ALTER TABLE leads MODIFY doc LONGTEXT")
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO leads (lead_id, {column}) VALUES ('1', %s)", (value,))
    with pytest.raises(DataError, match=f"lead_id 1, {column}"):
        read(database, query_of(database))


def test_a_filter_that_meets_broken_json_fails_instead_of_leaving_the_row_out(database: Mariadb) -> None:
    database.fill([{"doc": '{"word": "x"}'}, {}])
    database.execute(
        "ALTER TABLE leads MODIFY doc LONGTEXT", "UPDATE leads SET doc = '{word' WHERE lead_id = '1'"
    )
    with pytest.raises(DataError, match="JSON that does not parse"):
        chosen(database, rule("doc.word", Op.EQUAL, "x"))


def test_a_float_is_refused_because_the_server_tells_six_digits(database: Mariadb) -> None:
    database.fill([{"amount": "16777216"}])
    database.execute("ALTER TABLE leads MODIFY amount FLOAT")
    with pytest.raises(SourceError, match="amount is a FLOAT"):
        read(database, query_of(database))


@pytest.mark.parametrize("size", [250, 251, 65_535, 65_536, 5_000_000, 2**24 - 1, 2**24 + 5, 2**25])
def test_a_text_of_any_length_is_read_whole(size: int) -> None:
    texts = [b"x" * size, b"", None, b"tail"]
    assert columns_of([texts, [b"next", None, b"a", b"b"]]) == [
        ["x" * size, "next"], ["", None], [None, "a"], ["tail", "b"],
    ]  # fmt: skip


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_rows_are_the_same_however_the_network_cuts_them(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb_rows, "BLOCK_BYTES", 64)
    rows = [[str(n).encode() * (n % 40), None if n % 3 else b"y"] for n in range(200)]
    assert columns_of(rows, step) == [
        [str(n) * (n % 40) for n in range(200)], [None if n % 3 else "y" for n in range(200)],
    ]  # fmt: skip


def test_rows_that_end_without_their_end_are_an_error() -> None:
    with pytest.raises(ConnectionError, match="hung up"):
        list(read_rows(stream(wire([[b"a"]])), 1))


def test_an_error_in_the_place_of_a_row_is_an_error() -> None:
    with pytest.raises(Refused):
        list(read_rows(stream(wire([[b"a"]]) + framed(b"\xff\x29\x07#HY000late")), 1))


def test_a_connection_that_dies_in_the_middle_may_be_tried_again(database: Mariadb) -> None:
    generate_leads(database.url, 20_000, 7, date(2024, 1, 15), 1, replace=True)
    plan = plan_of(dialect="mariadb", fields="all", split=Split())
    with closing(source_of(database).read(plan.query)) as batches:  # type: ignore[type-var]
        next(batches)
        kill_readers(database)
        with pytest.raises(RetryableError, match="the connection broke.*nothing was kept") as caught:
            list(batches)
    assert "s3cret" not in str(caught.value)


def test_a_driver_that_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(SourceError, match=re.escape("pip install 'export-pipelines[mariadb]'")):
        open_source("mariadb://u:p@host/db")


@pytest.mark.parametrize(
    "more", ["?ssl_ca=/nowhere.pem", "?colour=red", "?charset=utf8mb4&connect_timeout=x"]
)
def test_options_of_the_url_reach_the_driver(database: Mariadb, more: str) -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        open_source(database.url + more).check(query_of(database))


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb+pymysql"])
def test_the_urls_that_sqlalchemy_has_are_taken(database: Mariadb, scheme: str) -> None:
    database.fill([{}])
    url = database.url.replace("mariadb", scheme, 1)
    assert open_source(url).count(query_of(database)) == 1


def test_only_places_of_parameters_are_filled() -> None:
    assert inlined("a = ? AND `b?` = '?''?' AND c = ?", ("it's \\ ?", 5)) == (
        "a = 'it''s \\ ?' AND `b?` = '?''?' AND c = 5"
    )


def columns_of(rows: list[list[bytes | None]], step: int = 1 << 20) -> list[list[str | None]]:
    blocks = list(read_rows(stream(wire(rows) + framed(END), step), len(rows[0])))
    return [pa.chunked_array(column).to_pylist() for column in zip(*blocks, strict=True)]


def wire(rows: list[list[bytes | None]]) -> bytes:
    return b"".join(framed(b"".join(cell(one) for one in row)) for row in rows)


def cell(text: bytes | None) -> bytes:
    if text is None:
        return b"\xfb"
    for mark, size in ((None, 1), (0xFC, 2), (0xFD, 3), (0xFE, 8)):
        if len(text) < (251 if mark is None else 256**size):
            return bytes([mark] if mark else []) + len(text).to_bytes(size, "little") + text
    raise AssertionError(len(text))


def framed(payload: bytes) -> bytes:
    pieces = [payload[at : at + 0xFFFFFF] for at in range(0, len(payload) + 1, 0xFFFFFF)]
    return b"".join(len(piece).to_bytes(3, "little") + b"\0" + piece for piece in pieces)


class _Slow(io.RawIOBase):
    """Gives at most `step` bytes at once, as a network does."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.at = data, step, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.data[self.at : self.at + min(self.step, len(buffer))]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def stream(data: bytes, step: int = 1 << 20) -> io.BufferedReader:
    return io.BufferedReader(_Slow(data, step))


def kill_readers(database: Mariadb) -> None:
    """Ends the sessions that send rows, from the server's side."""
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT%%lead_id%%' AND id <> connection_id()"
        )
        found = cursor.fetchall()
        assert found
        for (id,) in found:
            cursor.execute(f"KILL {id}")
