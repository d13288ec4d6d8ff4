"""Rows of a sheet as XML, a column at a time: each value a typed cell, exact, or text where a double cannot hold it."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.encode.encoder import Columns
from export_pipelines.encode.xlsx.shared_strings import XML
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.transform.schema import TIMESTAMP_FORMAT

DIGITS = 15  # that a double holds whatever they are
DAY_ZERO, FIRST_DAY = date(1899, 12, 30), date(1900, 3, 1)  # before it Excel counts a day that never was
DAY_MS = 86_400_000


def cells_of(columns: Columns, styles: Sequence[int], written: Collection[str] = ()) -> Iterator[pl.Expr]:
    """The pieces of a row's XML; the frame has the number of each row as `#`, and for columns that are `written` the
    contents of some cells, as `#` and the column's id."""
    number = pl.col("#").cast(pl.String)
    yield pl.lit('<row r="') + number + pl.lit('">')
    for place, (column, style) in enumerate(zip(columns, styles, strict=True)):
        begin = pl.lit(f'<c r="{letters(place)}') + number + pl.lit(f'" s="{style}"')
        content = _content(column)
        if column.id in written:
            content = pl.coalesce(f"#{column.id}", content)
        # a row of nothing but nulls is a row too: one cell of it stays
        yield (begin + content).fill_null(begin + pl.lit("/>") if place == 0 else pl.lit(""))
    yield pl.lit("</row>")


def as_text(columns: Columns) -> Iterator[tuple[str, pl.Expr]]:
    """Columns of numbers and times that a manifest may state something of, with the test for a value that a sheet holds as text
    only."""
    for column in columns:
        if column.is_stated and (fits := _fits(column)) is not None:
            yield column.id, ~fits


def letters(place: int) -> str:
    """A, B, ..., Z, AA, ...: the name of a column, counted from 0."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _fits(column: OutputColumn) -> pl.Expr | None:
    """The test for a number or a time that a double holds exactly."""
    value = pl.col(column.id)
    match column.kind:
        case Kind.INTEGER:
            return value.is_between(-(10**DIGITS) + 1, 10**DIGITS - 1)
        case Kind.DECIMAL | Kind.NUMBER:
            return _digits(value.cast(pl.String)) <= DIGITS
        case Kind.DATE:
            return value >= pl.lit(FIRST_DAY)
        case Kind.TIMESTAMP:
            return _milliseconds(value) >= _ms(FIRST_DAY)
        case _:
            return None


def _content(column: OutputColumn) -> pl.Expr:
    value, fits = pl.col(column.id), _fits(column)
    if fits is None:
        if column.kind is Kind.BOOLEAN:
            return pl.lit(' t="b"><v>') + value.cast(pl.Int8).cast(pl.String) + pl.lit("</v></c>")
        return _text(value)
    number, text = _number(value, column.kind)
    return pl.when(fits).then(pl.lit("><v>") + number + pl.lit("</v></c>")).otherwise(_text(text))


def _number(value: pl.Expr, kind: Kind) -> tuple[pl.Expr, pl.Expr]:
    """The value as a number, and as a text."""
    match kind:
        case Kind.DATE:
            days = (value - pl.lit(DAY_ZERO)).dt.total_days().cast(pl.String)
            return days, value.dt.strftime("%Y-%m-%d")
        case Kind.TIMESTAMP:
            days = ((_milliseconds(value) - _ms(DAY_ZERO)).cast(pl.Float64) / DAY_MS).cast(pl.String)
            return days, value.dt.strftime(TIMESTAMP_FORMAT)
        case _:
            return value.cast(pl.String), value.cast(pl.String)


def _milliseconds(value: pl.Expr) -> pl.Expr:
    return value.dt.replace_time_zone(None).cast(pl.Int64)


def _ms(day: date) -> int:
    """Milliseconds from 1970 to its midnight."""
    return (day - date(1970, 1, 1)).days * DAY_MS


def _digits(text: pl.Expr) -> pl.Expr:
    """How many digits tell the number."""
    return text.str.replace_all(r"[^0-9]", "").str.strip_chars_start("0").str.len_chars()


def _text(value: pl.Expr) -> pl.Expr:
    escaped = value.str.replace_many(list(XML), list(XML.values()))
    return pl.lit(' t="inlineStr"><is><t xml:space="preserve">') + escaped + pl.lit("</t></is></c>")
