"""The CSV reader: exact cells, the physical line of every record, and no record lost."""

import csv
import gzip
import io
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.errors import ImportFileError
from export_pipelines.importer.guess_dialect import form_of, opened_text
from export_pipelines.importer.records import MAX_RECORD, Record, read_records

CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
) | st.sampled_from(
    ["", '"', '""', ",", "\n", "\r\n", "\r", "007", "N/A", " a ", '"a"b', "\ufeff", "\u2028", "\x1c", "\x85"]
)


def read(content: bytes, delimiter: str = ",") -> list[Record]:
    stream = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "surrogateescape", newline="")
    return list(read_records(stream, delimiter))


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_cell_comes_back_exactly(rows: list[list[str]], end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    # A mark at the very start is the file's own, as every reader takes it.
    records = read(b"\xef\xbb\xbf" + text.getvalue().encode())
    assert [list(record.cells) for record in records] == rows
    assert [record.fault for record in records] == [None] * len(rows)


@given(st.text('ab,"\n\r ', max_size=60))
def test_whatever_the_file_holds_no_text_is_lost(text: str) -> None:
    kept = "".join(record.raw for record in read(text.encode()))
    assert kept.replace("\r", "").replace("\n", "") == text.replace("\r", "").replace("\n", "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_record_has_the_line_it_starts_on(end: str) -> None:
    text = f'a,b{end}"one{end}{end}two",x{end}{end}3,y{end}"4",z'.encode()
    assert [(record.line, record.cells) for record in read(text)] == [
        (1, ("a", "b")),
        (2, (f"one{end}{end}two", "x")),
        (6, ("3", "y")),
        (7, ("4", "z")),
    ]


@pytest.mark.parametrize(
    ("content", "line", "fault", "raw"),
    [
        (b'a,b\n1,"cut off, ', 2, "still open at the end", '1,"cut off, '),
        (b'a,b\n1,"x"y\n', 2, "written twice", '1,"x"y'),
        (b'a,b\n"1\n2",\xff\n', 2, "cell 2 holds bytes that are not UTF-8", '"1\n2",\\xff'),
        (b"a,b\n1,2\n\0,2\n", 3, "cell 1 holds a NUL", "\0,2"),
    ],
)
def test_a_bad_record_comes_with_its_fault(content: bytes, line: int, fault: str, raw: str) -> None:
    [bad] = [record for record in read(content) if record.fault]
    assert (bad.line, bad.raw) == (line, raw)
    assert fault in (bad.fault or "")


def test_reading_goes_on_after_a_bad_record() -> None:
    records = read(b'a,b\n1,"x"y\n3,4\n')
    assert [(record.line, record.cells) for record in records if not record.fault] == [
        (1, ("a", "b")),
        (3, ("3", "4")),
    ]


def test_a_cell_may_be_longer_than_pythons_limit() -> None:
    before = csv.field_size_limit()
    [_, record] = read(b"a,b\n1," + b"x" * 200_000)
    assert len(record.cells[1]) == 200_000
    assert csv.field_size_limit() == before


def test_the_delimiter_may_be_another() -> None:
    assert [record.cells for record in read(b"a;b\n1,5;2\n", ";")] == [("a", "b"), ("1,5", "2")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("zipped", [False, True])
def test_files_are_read_as_programs_save_them(tmp_path: Path, encoding: str, zipped: bool) -> None:
    data = "a;b\r\nÜ;🎉\r\n".encode(encoding)
    (tmp_path / "x.csv").write_bytes(gzip.compress(data) if zipped else data)
    with opened_text(tmp_path / "x.csv", form_of(tmp_path / "x.csv").encoding) as stream:
        assert [read_record.cells for read_record in read_records(stream, ";")] == [("a", "b"), ("Ü", "🎉")]


def test_half_a_character_of_utf_16_rejects_its_row_alone(tmp_path: Path) -> None:
    text = "a,b\r\n1,x\ud83d\r\n2,y\r\n".encode("utf-16", "surrogatepass")
    (tmp_path / "x.csv").write_bytes(text)
    with opened_text(tmp_path / "x.csv", form_of(tmp_path / "x.csv").encoding) as stream:
        _, bad, good = read_records(stream, ",")
    assert bad.line == 2 and "half a character" in str(bad.fault) and bad.raw == "1,x\\ud83d"
    assert good.cells == ("2", "y")


def test_a_gzip_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(gzip.compress(random.Random(7).randbytes(5000).hex().encode())[:2000])
    with pytest.raises(ImportFileError, match=r"x\.csv: cannot read the file"):
        form_of(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b,c\n", ","),
        ("a;b;c\n", ";"),
        ("a\tb\n", "\t"),
        ("a|b\n", "|"),
        ("a\n", ","),
        ("", ","),
        ('"a;b;c",d\n', ","),
        ("sep=;\r\na,b;c\r\n", ";"),
        ('"sep=|"\n', "|"),
    ],
)
def test_the_header_tells_what_parts_cells(tmp_path: Path, text: str, delimiter: str) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode())
    assert form_of(tmp_path / "x.csv").delimiter == delimiter


def test_the_line_that_says_what_parts_cells_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"sep=;\r\na;b\r\n1;2\r\n")
    with opened_text(tmp_path / "x.csv", "utf-8") as stream:
        assert [(read_record.line, read_record.cells) for read_record in read_records(stream, ";")] == [
            (2, ("a", "b")),
            (3, ("1", "2")),
        ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ImportFileError, match=r"no\.csv: cannot read the file"),
        opened_text(tmp_path / "no.csv", "utf-8"),
    ):
        pass


def test_a_quote_that_nobody_closes_takes_no_other_row_with_it() -> None:
    text = 'a,b\n1,"open\n' + "2,x\n" * 5000 + '3,"two\nlines"\n4,"open again\n5,y\n'
    records = read(text.encode())
    assert [(record.line, record.raw) for record in records if record.fault] == [
        (2, '1,"open'),
        (5005, '4,"open again'),
    ]
    assert len(records) == 1 + 1 + 5000 + 1 + 1 + 1
    assert records[-3].cells == ("3", "two\nlines") and records[-1].cells == ("5", "y")


@pytest.mark.parametrize("quoted", [False, True])
def test_a_record_that_is_too_long_is_told_with_its_beginning(quoted: bool) -> None:
    cell = b'"' * quoted + b"x" * (MAX_RECORD + 10) + b'"' * quoted
    _, bad, good = read(b"a,b\n1," + cell + b"\n2,y\n")
    assert bad.line == 2 and "longer than" in str(bad.fault) and len(bad.raw) == 1000
    assert (good.line, good.cells) == (3, ("2", "y"))


def test_many_unclosed_quotes_are_read_in_linear_time() -> None:
    before = time.process_time()
    records = read(b"a,b\n" + b'1,"x\n2,y\n' * 50_000)
    assert sum(1 for record in records if record.fault) == 50_000
    assert time.process_time() - before < 10
