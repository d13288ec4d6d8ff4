"""Looks for made-up people in whatever files a program wrote: `python searcher.py PLACE...`, the hits as JSON.

It shares nothing with the program that it searches: files are opened by the standard library, DuckDB, openpyxl and
zstandard, encodings are undone by the standard library, and every marker is looked for letter by letter and digit by
digit. What a person is made of stands in MARKERS."""

import csv
import email
import email.policy
import gzip
import html
import io
import json
import re
import sqlite3
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import category, digit, normalize
from urllib.parse import unquote

import duckdb
import openpyxl
import zstandard

csv.field_size_limit(2**31 - 1)
MARKERS = {  # in small letters without accents
    "email": re.compile(r"qxzcanary(?:kin)?([a-g]{6})"),
    "name": re.compile(r"qx(?:anna|belle|roe|doe)([a-g]{6})?"),
    "street": re.compile(r"qxlane([a-g]{6})"),
    "closed": re.compile(r"(?:qxssn|qxsecret)([0-6]{6})"),
}
SHORT_NAME = re.compile(r"(?<![^\W_])(?:qx|zq)(?![^\W_])")  # which bytes that are no text hold by chance
DIGITS = {  # in digits that have lost what stood between them
    "phone": re.compile(r"818[2-6]([0-6]{6})"),
    "ssn": re.compile(r"98[67]([0-6]{6})"),
    "dob": re.compile(r"1911[01]\d[0-3]\d|[0-3]\d[0-3]\d1911"),
}
CLOSED_KEYS = {  # in small letters without anything else
    *(
        "ssn",
        "socialsecuritynumber",
        "ssnlast",
        "spousessn",
        "borrowerssn",
        "password",
        "apikey",
        "accesstoken",
    ),
}
NOBODYS = re.compile(  # ids, hashes, tokens, moments, seconds, references: what they hold they hold by chance
    r"(?<![0-9A-Za-z])[0-9a-f]{24,}(?![0-9A-Za-z])|(?<![^\W_])tok_[0-9a-f]{8}_[\w-]+"
    r"|20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{6}|\.\d{3})?(?:Z|\+00:00)?|(?<!\d)17\d{11}(?!\d)"
    r"|(?<!\d)\d+\.\d{10,}|(?<!\d)1[78]\d{8}\.\d{4,}|REF-\d{8}"
)
# the seconds of Dagster's clock, with as many decimals as its float has: the whole of a value under CLOCK in a database
MOMENT, CLOCK = re.compile(r"1[78]\d{8}(?:\.\d{1,7})?"), "timestamp"
# no other text can hold anything
SUSPECT = re.compile(r"(?i)qx|zq|[^\x00-\x7f]|[%&\\]|(?:[0-9][^0-9a-z]*){8}")
UNSEEN, FILLERS = ("Mn", "Me", "Cf"), "\u115f\u1160\u3164\uffa0"  # what nobody sees; of letters, too
MOST = 3_000
BYTES = "bytes"
IDS = ("lead_id", "event_id")
Leaf = tuple[str, str, str]  # the row's id, the path to the value, the value
Hit = dict[str, str]


@lru_cache(maxsize=50_000)
def found_in(text: str, is_text: bool = True) -> tuple[tuple[str, str], ...]:
    """Kind of value and number of the person, of all that is hidden in a text, or in bytes that are none."""
    text = NOBODYS.sub("#", text)
    if not SUSPECT.search(text):
        return ()
    hits = set()
    for view in _views(text):
        letters = _letters(view)
        for kind, marker in MARKERS.items() if "qx" in letters else ():
            hits |= {(kind, match[1] or "") for match in marker.finditer(letters)}
        if is_text and SHORT_NAME.search(letters):
            hits.add(("name", ""))
        digits = _digits(view)
        for kind, marker in DIGITS.items():
            hits |= {
                (kind, match[1] if marker.groups else "") for run in digits for match in marker.finditer(run)
            }
    return tuple(sorted(hits))


def _letters(text: str) -> str:
    """In small letters, without accents and signs that nobody sees."""
    if text.isascii():
        return text.lower()
    plain = normalize("NFKD", text)
    return "".join(sign for sign in plain if category(sign) not in UNSEEN and sign not in FILLERS).casefold()


def _views(text: str) -> list[str]:
    """The text and what it becomes as its encodings are undone, one after the other and together."""
    views, last = [text], text
    if not re.search(r"[%&\\]", text):
        return views
    for _ in range(5):
        for undo in (html.unescape, unquote, _unescaped):
            if (other := undo(last)) not in views:
                views.append(other)
        last = html.unescape(unquote(_unescaped(last)))
        if last in views[:-1] and last == views[-1]:
            break
        if last not in views:
            views.append(last)
    return views


def _unescaped(text: str) -> str:
    return re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)


def _digits(text: str) -> list[str]:
    """The runs of digits between letters, in any script, without anything else."""
    if text.isascii():
        return re.findall(r"[0-9]{8,}", re.sub(r"[^0-9A-Za-z]+", "", text))
    signs = []
    for sign in text:
        if (value := digit(sign, None)) is not None:
            signs.append(str(value))
        elif category(sign)[0] == "L" and sign not in FILLERS:
            signs.append(" ")
    return [run for run in "".join(signs).split() if len(run) >= 8]


def leaves(name: str, data: bytes) -> Iterator[Leaf]:
    """Every value of a file, by what its name says of it."""
    plain = name.lower()
    if plain.endswith(".gz"):
        yield from leaves(name[:-3], gzip.decompress(data))
    elif plain.endswith(".zst"):
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
        yield from _of_objects(json.loads(line, **_TEXTS) for line in data.decode().split("\n") if line)
    elif plain.endswith(".json") and isinstance(value := json.loads(data, **_TEXTS), list):
        yield from _of_objects(value)
    elif plain.endswith(".parquet"):
        yield from _of_parquet(data)
    elif plain.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        for sheet in book.worksheets:
            yield from _of_table(sheet.iter_rows(values_only=True))
    elif plain.endswith(".eml"):
        yield from _of_mail(data)
    elif data.startswith(b"SQLite format 3"):
        yield from _of_database(data)
    else:
        yield from _of_raw(data)


_TEXTS: Any = {"parse_float": str, "parse_int": str}


def _of_table(rows: Any) -> Iterator[Leaf]:
    header = [str(name) for name in next(iter(rows))]
    for row in rows:
        yield from _of_row(dict(zip(header, row, strict=False)))


def _of_objects(rows: Any) -> Iterator[Leaf]:
    for row in rows:
        yield from _of_row(row)


def _of_parquet(data: bytes) -> Iterator[Leaf]:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(data)
        file.flush()
        answer = duckdb.sql(f"SELECT * FROM read_parquet('{file.name}')")  # the name is our own
        assert answer
        yield from _of_table(iter([answer.columns, *answer.fetchall()]))


def _of_row(row: dict[str, Any]) -> Iterator[Leaf]:
    id = str(next((row[name] for name in IDS if name in row), ""))
    for name, value in row.items():
        yield from ((id, path, text) for path, text in _inside(name, value))


def _inside(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The value, and the keys and values of an object or of the JSON that a text is."""
    if value is None or value == "":
        return
    if isinstance(value, str):
        yield path, value
        if value[:1] in "{[" and (inner := _json(value)) is not None:
            yield from _inside(path, inner)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield f"{path}.<key>", key
            if re.sub(r"[^a-z]", "", key.lower()) in CLOSED_KEYS and _holds(member):
                yield f"{path}.{key}", f"qxssn000000 is what stands under this key: {member}"
            yield from _inside(f"{path}.{key}", member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _inside(f"{path}[]", member)
    else:
        yield path, str(value)


def _holds(value: Any) -> bool:
    """Whether anything but null stands in a value of JSON."""
    if isinstance(value, dict | list):
        return any(map(_holds, value.values() if isinstance(value, dict) else value))
    return value is not None


def _json(text: str) -> Any:
    try:
        parsed = json.loads(text, **_TEXTS)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict | list) else None


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
    if text[:1] in "{[" and (value := _json(text)) is not None:
        yield from (("", path, cell) for path, leaf in _inside("", value) for cell in _cells(leaf))
        return
    for line in re.split(r"[\x00-\x08\n\r\x0e-\x1f]+", text):
        parts = re.split(r'"\s*[,:]\s*"?|,\s*"', line)
        yield from (("", where, cell) for part in parts for cell in _cells(part) if cell)


def _cells(text: str) -> list[str]:
    """Of a row of a table in Markdown, its cells; any other text is one."""
    return text.split(" | ") if text.count(" | ") >= 3 else [text]


def search(places: list[Path]) -> tuple[list[Hit], dict[str, Counter[str]], int]:
    """The hits in the files of these folders, at most MOST of a file and kind; how many there are, by file and kind;
    how many values were looked at."""
    hits: list[Hit] = []
    kinds: dict[str, Counter[str]] = {}
    count = 0
    files = (file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place]))
    for file in files:
        if not file.is_file():
            continue
        counted = kinds.setdefault(str(file), Counter())
        for id, where, text in leaves(file.name, file.read_bytes()):
            count += 1
            for kind, person in found_in(text, where != BYTES):
                counted[kind] += 1
                if counted[kind] <= MOST:
                    place = {"file": str(file), "row": id, "path": where, "value": text[:300]}
                    hits.append({"kind": kind, "person": person, **place})
    return hits, kinds, count


def main() -> None:
    hits, kinds, count = search([Path(word) for word in sys.argv[1:]])
    json.dump({"values": count, "kinds": kinds, "hits": hits}, sys.stdout)


if __name__ == "__main__":
    main()
