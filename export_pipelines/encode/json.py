"""JSON array and NDJSON: nested objects, exact decimals, stored JSON spliced in as it is. No Python loop over rows."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.encode.buffer import csv_bytes
from export_pipelines.encode.encoder import CellCounts, Columns, Fitting
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.transform.timestamp_texts import with_timestamp_texts

RAW = (Kind.DECIMAL, Kind.NUMBER, Kind.JSON)  # their text is JSON already
SEPARATOR = ",\n"  # before each object of an array, so that no bytes are cut off and copied; a comma too many before the first
LINE_BREAKS = r"[\r\n]"  # in JSON text they stand between tokens only, and here an object is one line
# without *+ a text takes 80 times its memory
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+')


class JsonEncoder:
    """One part: an array of objects (`array`), or one object a line. Option `pretty` (array only) indents by two.

    `pretty` goes through Python row by row and takes about ten times as long.
    """

    def __init__(self, array: bool, columns: Columns, options: dict[str, Any]) -> None:
        self.array = array
        self.pretty = array and bool(options.get("pretty"))
        before = [pl.lit(SEPARATOR)] if array and not self.pretty else []
        self.text = pl.concat_str(*before, *object_text(columns)).alias("json")
        self.counts = CellCounts()
        self._fitting = Fitting()

    def begin(self) -> bytes:
        return b"[" if self.array else b""

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        texts = with_timestamp_texts(frame).select(self.text)
        if self.pretty:
            data = "".join(SEPARATOR + _indented(text) for text in texts["json"]).encode()
        else:
            data = csv_bytes(texts, quote_style="never", line_terminator="" if self.array else "\n")
        return data.removeprefix(b",") if self.array and first else data

    def fit(self, frame: pl.DataFrame, first: bool, free: int) -> tuple[int, bytes]:
        room = free - len(self.end(empty=False))
        return self._fitting.fit(lambda head: self.encode(head, first), frame, first, room)

    def end(self, empty: bool) -> bytes:
        if not self.array:
            return b""
        return b"]\n" if empty else b"\n]\n"


def object_text(columns: Columns) -> list[pl.Expr]:
    """The pieces of text whose concatenation is a row's object; the frame's times have to be texts before."""
    return _object(tree_of(columns))


Tree = dict[str, "Tree | OutputColumn"]


def tree_of(columns: Columns) -> Tree:
    """The object that each row becomes: keys in the order in which they first appear."""
    root: Tree = {}
    for column in columns:
        node = root
        for step in column.json_path[:-1]:
            inner = node.setdefault(step, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{column.id} would stand inside {inner.id}")
            node = inner
        node[column.json_path[-1]] = column
    return root


def _object(tree: Tree) -> list[pl.Expr]:
    """The pieces of text whose concatenation is the object: plain neighbours are encoded by Polars in one go."""
    pieces: list[pl.Expr] = [pl.lit("{")]
    for index, (plain, members) in enumerate(groupby(tree.items(), key=lambda item: _is_plain(item[1]))):
        if index:
            pieces.append(pl.lit(","))
        if plain:
            pieces.append(_struct(members).struct.json_encode().str.slice(1).str.strip_suffix("}"))
        else:
            pieces.extend(_joined(members))
    return [*pieces, pl.lit("}")]


def _joined(members: Iterable[tuple[str, "Tree | OutputColumn"]]) -> Iterator[pl.Expr]:
    for index, (key, value) in enumerate(members):
        yield pl.lit(("," if index else "") + json.dumps(key, ensure_ascii=False) + ":")
        if isinstance(value, dict):
            yield from _object(value)
        else:
            yield _raw(value).fill_null("null")


def _raw(column: OutputColumn) -> pl.Expr:
    text = pl.col(column.id).cast(pl.String)
    return text.str.replace_all(LINE_BREAKS, " ") if column.kind is Kind.JSON else text


def _struct(members: Iterable[tuple[str, "Tree | OutputColumn"]]) -> pl.Expr:
    return pl.struct(
        (_struct(value.items()) if isinstance(value, dict) else _plain(value)).alias(key)
        for key, value in members
    )


def _is_plain(value: "Tree | OutputColumn") -> bool:
    if isinstance(value, dict):
        return all(_is_plain(inner) for inner in value.values())
    return value.kind not in RAW


def _plain(column: OutputColumn) -> pl.Expr:
    if column.kind is Kind.DATE:
        return pl.col(column.id).dt.strftime("%Y-%m-%d")
    return pl.col(column.id)


def _indented(line: str) -> str:
    """An object as a member of an indented array. Tokens stay as they are: a number that is read is a number changed."""
    depth, opened, pieces = 1, False, ["  "]
    for token in TOKEN.findall(line):
        closes = token in ("}", "]")
        depth -= closes
        if opened != closes:  # `{}` and `[]` stay together
            pieces.append(_line(depth))
        pieces.append({",": f",{_line(depth)}", ":": ": "}.get(token, token))
        opened = token in ("{", "[")
        depth += opened
    return "".join(pieces)


def _line(depth: int) -> str:
    return "\n" + "  " * depth
