"""The values in files, by what their names say of them."""

import csv
import email
import email.policy
import gzip
import io
import json
import re
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .values import TEXTS, Leaf, inside, json_in, of_row

csv.field_size_limit(2**31 - 1)
# the seconds of Dagster's clock, with as many decimals as its float has: the whole of a value under CLOCK in a database
MOMENT, CLOCK = re.compile(r"1[78]\d{8}(?:\.\d{1,7})?"), "timestamp"
BYTES = "bytes"


def leaves(name: str, data: bytes) -> Iterator[Leaf]:
    """Every value of a file, by what its name says of it; the libraries of one kind are imported when there is such a file."""
    plain = name.lower()
    if plain.endswith(".gz"):
        yield from leaves(name[:-3], gzip.decompress(data))
    elif plain.endswith(".zst"):
        import zstandard

        yield from leaves(name[:-4], zstandard.ZstdDecompressor().decompressobj().decompress(data))
    elif plain.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from leaves(member, archive.read(member))
    elif plain.endswith((".csv", ".tsv")):
        yield from _of_table(
            csv.reader(
                io.StringIO(data.decode(), newline=""), delimiter="\t" if plain.endswith("tsv") else ","
            )
        )
    elif plain.endswith(".ndjson"):
        yield from _of_objects(json.loads(line, **TEXTS) for line in data.decode().split("\n") if line)
    elif plain.endswith(".json") and isinstance(value := json.loads(data, **TEXTS), list):
        yield from _of_objects(value)
    elif plain.endswith(".parquet"):
        yield from _of_parquet(data)
    elif plain.endswith(".xlsx"):
        import openpyxl

        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        for sheet in book.worksheets:
            yield from _of_table(sheet.iter_rows(values_only=True))
    elif plain.endswith(".eml"):
        yield from _of_mail(data)
    elif data.startswith(b"SQLite format 3"):
        yield from _of_database(data)
    else:
        yield from _of_raw(data)


def _of_table(rows: Any) -> Iterator[Leaf]:
    header = [str(name) for name in next(iter(rows))]
    for row in rows:
        yield from of_row(dict(zip(header, row, strict=False)))


def _of_objects(rows: Any) -> Iterator[Leaf]:
    for row in rows:
        yield from of_row(row)


def _of_parquet(data: bytes) -> Iterator[Leaf]:
    import duckdb

    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(data)
        file.flush()
        answer = duckdb.sql(f"SELECT * FROM read_parquet('{file.name}')")  # the name is our own
        assert answer
        yield from _of_table(iter([answer.columns, *answer.fetchall()]))


def _of_mail(data: bytes) -> Iterator[Leaf]:
    message = email.message_from_bytes(data, policy=email.policy.default)
    drawn = ("content-type", "message-id")  # a boundary and an id are random digits
    yield from (
        ("", f"mail.{name}", str(value)) for name, value in message.items() if name.lower() not in drawn
    )
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield from leaves(part.get_filename() or "body.txt", content)


def _of_database(data: bytes) -> Iterator[Leaf]:
    with tempfile.NamedTemporaryFile(suffix=".db") as file:
        file.write(data)
        file.flush()
        with sqlite3.connect(file.name) as connection:
            connection.text_factory = bytes
            names = [
                bytes(name).decode()
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            for name in names:
                for row in connection.execute(f'SELECT * FROM "{name}"'):
                    for cell in row:
                        if isinstance(cell, bytes):
                            yield from (
                                ("", f"{name}{path}", text)
                                for _, path, text in _of_raw(cell)
                                if not _is_moment(path, text)
                            )


def _is_moment(path: str, text: str) -> bool:
    return path.rpartition(".")[2] == CLOCK and MOMENT.fullmatch(text) is not None


def _of_raw(data: bytes) -> Iterator[Leaf]:
    """Logs, pickles, pages: their runs of readable signs, compressed ones too. Numbers that stand in different lines
    or JSON values are not one number."""
    with suppress(zlib.error):
        data = zlib.decompress(data)
    text = data.decode("utf-8", errors="replace")
    where = BYTES if "\ufffd" in text else "line"
    if text[:1] in "{[" and (value := json_in(text)) is not None:
        yield from (("", path, cell) for path, leaf in inside("", value) for cell in _cells(leaf))
        return
    for line in re.split(r"[\x00-\x08\n\r\x0e-\x1f]+", text):
        parts = re.split(r'"\s*[,:]\s*"?|,\s*"', line)
        yield from (("", where, cell) for part in parts for cell in _cells(part) if cell)


def _cells(text: str) -> list[str]:
    """Of a row of a table in Markdown, its cells; any other text is one."""
    return text.split(" | ") if text.count(" | ") >= 3 else [text]
