"""Rows of a sheet as XML, a column at a time: each value a typed cell, exact, or text where a double cannot hold it."""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.stream.encoder import Columns
from export_pipelines.stream.schema import TIMESTAMP_FORMAT

LONGEST_TEXT = 32_767  # UTF-16 units of one cell
DIGITS = 15  # that a double holds whatever they are
DAY_ZERO, FIRST_DAY = date(1899, 12, 30), date(1900, 3, 1)  # before it Excel counts a day that never was
DAY_MS = 86_400_000
ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {
    chr(n): f"_x{n:04X}_" for n in (*range(9), 11, 12, *range(13, 32), 0xFFFE, 0xFFFF)
}
LIKE_ESCAPED = r"_x[0-9A-Fa-f]{4}_"
BEYOND_16_BITS = r"[\x{10000}-\x{10FFFF}]"


def cells_of(columns: Columns, styles: Sequence[int]) -> Iterator[pl.Expr]:
    """The pieces of a row's XML; the frame has the number of each row as `#`."""
    number = pl.col("#").cast(pl.String)
    yield pl.lit('<row r="') + number + pl.lit('">')
    for place, (column, style) in enumerate(zip(columns, styles, strict=True)):
        begin = pl.lit(f'<c r="{letters(place)}') + number + pl.lit(f'" s="{style}"')
        # a row of nothing but nulls is a row too: one cell of it stays
        yield (begin + _content(column)).fill_null(begin + pl.lit("/>") if place == 0 else pl.lit(""))
    yield pl.lit("</row>")


def letters(place: int) -> str:
    """A, B, ..., Z, AA, ...: the name of a column, counted from 0."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def too_long(values: pl.Series, column: OutputColumn) -> bool:
    """Is there a text that no cell holds?"""
    if values.dtype != pl.String or (values.str.len_bytes().max() or 0) <= LONGEST_TEXT:  # type: ignore[operator]
        return False
    units = values.str.len_chars() + values.str.count_matches(BEYOND_16_BITS)
    return bool((units > LONGEST_TEXT).any())


def _content(column: OutputColumn) -> pl.Expr:
    value = pl.col(column.id)
    match column.kind:
        case Kind.BOOLEAN:
            return pl.lit(' t="b"><v>') + value.cast(pl.Int8).cast(pl.String) + pl.lit("</v></c>")
        case Kind.INTEGER:
            return _number(value.cast(pl.String), value.is_between(-(10**DIGITS) + 1, 10**DIGITS - 1))
        case Kind.DECIMAL | Kind.NUMBER:
            text = value.cast(pl.String)
            return _number(text, _digits(text) <= DIGITS)
        case Kind.DATE:
            days = (value - pl.lit(DAY_ZERO)).dt.total_days().cast(pl.String)
            return _number(days, value >= pl.lit(FIRST_DAY), value.dt.strftime("%Y-%m-%d"))
        case Kind.TIMESTAMP:
            ms = value.dt.replace_time_zone(None).cast(pl.Int64)
            days = ((ms - _ms(DAY_ZERO)).cast(pl.Float64) / DAY_MS).cast(pl.String)
            return _number(days, ms >= _ms(FIRST_DAY), value.dt.strftime(TIMESTAMP_FORMAT))
        case _:
            return _text(value)


def _ms(day: date) -> int:
    """Milliseconds from 1970 to its midnight."""
    return (day - date(1970, 1, 1)).days * DAY_MS


def _number(text: pl.Expr, fits: pl.Expr, otherwise: pl.Expr | None = None) -> pl.Expr:
    number = pl.lit("><v>") + text + pl.lit("</v></c>")
    return pl.when(fits).then(number).otherwise(_text(text if otherwise is None else otherwise))


def _digits(text: pl.Expr) -> pl.Expr:
    """How many digits tell the number."""
    return text.str.replace_all(r"[^0-9]", "").str.strip_chars_start("0").str.len_chars()


def _text(value: pl.Expr) -> pl.Expr:
    safe = (
        pl.when(value.str.contains(LIKE_ESCAPED))
        .then(value.str.replace_all("_x", "_x005F_x", literal=True))
        .otherwise(value)
    )
    escaped = safe.str.replace_many(list(ESCAPED), list(ESCAPED.values()))
    return pl.lit(' t="inlineStr"><is><t xml:space="preserve">') + escaped + pl.lit("</t></is></c>")
