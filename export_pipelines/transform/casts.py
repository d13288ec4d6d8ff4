"""Text from the source becomes the types that the plan declares. What does not fit is an error, never another value."""

import re
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from export_pipelines.catalog import Kind, StoredAs
from export_pipelines.errors import DataError
from export_pipelines.plan.dialects.dialect import END_S, FALSE, FIRST_S, TRUE
from export_pipelines.plan.query.query import SourceColumn
from export_pipelines.transform.json_texts import HalfCharacter, meant, without_blanks, without_nulls
from export_pipelines.transform.letters import Letters, arrow_texts, table
from export_pipelines.transform.schema import DECIMAL_DIGITS, arrow_type, polars_type

YEAR_0 = "0000"
EXPONENT = table(b"eE")
IDS = ("event_id", "lead_id")  # of an event both may be there
BLANK = r"[ \t\n\r\x0b\x0c]"
CANONICAL_NUMBER = r"^(0(\.[0-9]+)?|-?[1-9][0-9]*(\.[0-9]+)?|-0\.[0-9]*[1-9][0-9]*)$"
NUMBER = re.compile(rf"{BLANK}*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{{1,9}}))?{BLANK}*")
MOST_PLACES = 1000  # that an exponent is written out to
INTEGER = rf"^{BLANK}*\+?(-?[0-9]+)(?:\.0*)?{BLANK}*$"
EPOCH = r"^(-?)([0-9]+)(?:\.([0-9]+))?$"
OFFSET = r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]00:00(:00(\.0+)?)?(Z|[+-]00(:?00)?)?)?$"
TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-5][0-9](\.[0-9]+)?)?(Z|{OFFSET[:-1]})?)?$"
TICKS_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
PLAIN_TIME = "2024-01-31T23:59:59.999Z"
EPOCHS = {StoredAs.EPOCH_S: 3, StoredAs.EPOCH_MS: 0}  # digits after the point that are milliseconds


def conform(batch: pa.RecordBatch, columns: tuple[SourceColumn, ...]) -> pl.DataFrame:
    """These columns of the batch with the plan's types, from strings of UTF-8 or from those types; DataError names the
    row's id and the column."""
    values, texts = {}, {}
    for column in columns:
        array = batch.column(column.name)
        if column.in_json:
            texts[column] = _meant(batch, column)
        elif pa.types.is_timestamp(array.type):
            values[column] = _milliseconds(batch, column, array)
        elif is_as_stored(array, column):
            values[column] = _series(array)
        elif (plain := _plainly(array, column)) is not None:
            values[column] = plain
        else:
            texts[column] = _series(array).cast(pl.String)
    values |= _parsed(batch, texts)
    return pl.DataFrame([values[column].alias(column.name) for column in columns])


def is_as_stored(array: pa.Array, column: SourceColumn) -> bool:
    """Whether values come in the type that the plan declares, and stay as they are."""
    plain = column.kind is not Kind.NUMBER and not column.in_json
    return bool(plain and array.type == arrow_type(column.kind, column.scale))


def _series(array: pa.Array) -> pl.Series:
    return pl.Series("", array)


def _meant(batch: pa.RecordBatch, column: SourceColumn) -> pl.Series:
    """What values mean that came as they stand in JSON."""
    values = batch.column(column.name)
    if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
        values = arrow_texts(_series(values).cast(pl.String))
    if column.kind is Kind.JSON:
        return without_nulls(_series(without_blanks(values)))
    try:
        return meant(values)
    except HalfCharacter as error:
        raise _no_utf8(place_of(batch, error.row, column.name)) from error


def _plainly(array: pa.Array, column: SourceColumn) -> pl.Series | None:
    """Amounts, days and times in their plainest spelling, the only one that Arrow takes, in a fifth of the time."""
    if not pa.types.is_string(array.type) or column.kind not in PLAINLY_SPELLED:
        return None
    if not PLAINLY_SPELLED[column.kind](Letters.of(array), column):
        return None
    try:
        return _series(array.cast(arrow_type(column.kind, column.scale)))
    except pa.ArrowInvalid:
        return None


def _is_plain_amount(letters: Letters, column: SourceColumn) -> bool:
    # with its places filled up, a longer one may be more than 128 bits hold, which Arrow does not always tell
    return bool(
        letters.lengths.max(initial=0) <= DECIMAL_DIGITS - (column.scale or 0)
        and not letters.are(EXPONENT).any()
    )


def _is_plain_day(letters: Letters, column: SourceColumn) -> bool:
    """Are all days later than the year 999, of which Arrow knows more than there are?"""
    firsts = letters.starts[:-1][letters.lengths > 0]
    return bool((letters.bytes[firsts] > ord("0")).all())


def _is_plain_time(letters: Letters, column: SourceColumn) -> bool:
    """Are all spelled `2024-01-31T23:59:59.999Z`, but those that are null, and later than the year 999?"""
    if column.stored_as in EPOCHS:
        return False
    times = letters.bytes.reshape(-1, len(PLAIN_TIME)) if len(letters.bytes) % len(PLAIN_TIME) == 0 else None
    if times is None or not np.isin(letters.lengths, (0, len(PLAIN_TIME))).all():
        return False
    return bool(
        (times[:, PLAIN_TIME.index("T")] == ord("T")).all()
        and (times[:, -1] == ord("Z")).all()
        and (times[:, 0] > ord("0")).all()
    )


def _parsed(batch: pa.RecordBatch, columns: dict[SourceColumn, pl.Series]) -> dict[SourceColumn, pl.Series]:
    """The columns that came as texts, by their kind, all at once."""
    if not columns:
        return {}
    texts = pl.DataFrame([text.alias(column.name) for column, text in columns.items()])
    values = texts.select(
        _PARSERS.get(column.kind, _as_it_is)(pl.col(column.name), column).alias(column.name)
        for column in columns
    )
    for column in columns:
        if values[column.name].null_count() != texts[column.name].null_count():
            bad = (values[column.name].is_null() & texts[column.name].is_not_null()).arg_true()[0]
            raise DataError(
                f"a stored value is not a {column.kind}"
                + (f" of {column.scale} places" if column.scale else ""),
                where=place_of(batch, int(bad), column.name),
                remedy="mend the row, or give the field its right type in the catalog",
            )
    return {column: values[column.name].cast(polars_type(column.kind, column.scale)) for column in columns}


def _milliseconds(batch: pa.RecordBatch, column: SourceColumn, array: pa.Array) -> pl.Series:
    """A time of the database's own type. `infinity` comes as a number far outside of what a calendar holds."""
    first, end = (moment * TICKS_PER_SECOND[array.type.unit] for moment in (FIRST_S, END_S))
    ticks = array.view(pa.int64())
    least, most = pc.min_max(ticks).values()
    if least.is_valid and not first <= least.as_py() <= most.as_py() < end:
        outside = pc.or_(pc.less(ticks, first), pc.greater_equal(ticks, end))
        raise DataError(
            "a stored time is infinite or outside of the years 1 to 9999",
            where=place_of(batch, outside.index(True).as_py(), column.name),
            remedy="mend the row, or leave the field out",
        )
    moments = _series(array).dt.cast_time_unit("ms")  # rounds down, also before 1970
    return moments.cast(polars_type(column.kind, column.scale))


def _as_it_is(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    return text


def _integer(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    """Digits, after which a point and zeros may stand."""
    return text.str.extract(INTEGER, 1).cast(pl.Int64, strict=False)


def _decimal(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    """Digits beyond the scale are no rounding matter: only zeros may stand there."""
    scale = column.scale or 0
    places = rf"\.[0-9]{{0,{scale}}}0*"
    fits = text.str.contains(rf"^{BLANK}*[+-]?([0-9]+({places})?|{places}){BLANK}*$")
    return (
        pl.when(fits)
        .then(text.str.strip_chars().str.strip_prefix("+"))
        .cast(polars_type(Kind.DECIMAL, scale), strict=False)
    )


def _number(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    """Exact decimal text as JSON writes it: no exponent, no plus, a digit before the point."""
    return (
        pl.when(text.str.contains(CANONICAL_NUMBER))
        .then(text)
        .otherwise(text.map_elements(_plain, return_dtype=pl.String, skip_nulls=True))
    )


def _plain(text: str) -> str | None:
    """The number without its exponent, unless that would be longer than anybody means, and zero without a sign, which not
    every database keeps."""
    match = NUMBER.fullmatch(text)
    if match is None or abs(int(match[2] or 0)) > MOST_PLACES:
        return None
    number = Decimal(match[1] + "e" + (match[2] or "0"))
    return format(number or number.copy_abs(), "f")


def _boolean(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    word = text.str.to_lowercase()
    return pl.when(word.is_in(TRUE)).then(pl.lit(True)).when(word.is_in(FALSE)).then(pl.lit(False))


def _date(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    """A day, or a time of its midnight as databases write days; another time of day would be cut off."""
    return (
        pl.when(text.str.contains(DAY) & ~text.str.starts_with(YEAR_0))
        .then(text.str.head(10))
        .str.to_date("%Y-%m-%d", strict=False)
    )


def _timestamp(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    is_number = column.stored_as in EPOCHS
    ticks = _ticks(_number(text, column), EPOCHS[column.stored_as]) if is_number else _iso_ticks(text)
    within = ticks.is_between(FIRST_S * 1000, END_S * 1000, closed="left")
    return pl.when(within).then(ticks).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")


def _ticks(number: pl.Expr, places: int) -> pl.Expr:
    """Milliseconds since 1970, rounded down: of a number, plainly spelled, and of so many digits after its point."""
    whole, fraction = number.str.extract(EPOCH, 2), number.str.extract(EPOCH, 3).fill_null("")
    kept = fraction.str.head(places).str.pad_end(places, "0")
    size = pl.concat_str(whole, kept).cast(pl.Int64, strict=False)
    remainder = fraction.str.slice(places).str.contains("[1-9]").cast(pl.Int64)
    return pl.when(number.str.extract(EPOCH, 1) == "-").then(-size - remainder).otherwise(size)


def _iso_ticks(text: pl.Expr) -> pl.Expr:
    """Milliseconds since 1970, rounded down, of a time in any ISO spelling; one without an offset is in UTC."""
    whole = pl.when(text.str.contains(TIME)).then(text.str.replace(" ", "T", literal=True))
    clock = pl.when(text.str.contains(OFFSET)).then(whole.str.head(-6)).otherwise(whole.str.strip_suffix("Z"))
    moment = pl.coalesce(
        clock.str.to_datetime(form, time_unit="ms", strict=False)
        for form in ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
    )
    sign, hours, minutes = (text.str.extract(OFFSET, place).fill_null("0") for place in (1, 2, 3))
    shift = (hours.cast(pl.Int64) * 60 + minutes.cast(pl.Int64)) * 60_000
    return moment.cast(pl.Int64) - pl.when(sign == "-").then(-shift).otherwise(shift)


PLAINLY_SPELLED: dict[Kind, Callable[[Letters, SourceColumn], bool]] = {
    Kind.DECIMAL: _is_plain_amount,
    Kind.DATE: _is_plain_day,
    Kind.TIMESTAMP: _is_plain_time,
}
_PARSERS: dict[Kind, Callable[[pl.Expr, SourceColumn], pl.Expr]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
}


def require_utf8(batch: pa.RecordBatch) -> None:
    """Raises DataError for a text that is not UTF-8, which neither Arrow nor Polars looks at."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        raise _broken_text(batch) from error


def _broken_text(batch: pa.RecordBatch) -> DataError:
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        for row, value in enumerate(array.cast(pa.binary())):
            try:
                (value.as_py() or b"").decode()
            except UnicodeDecodeError:
                return _no_utf8(place_of(batch, row, name))
    return DataError("a stored value cannot be read", where=", ".join(batch.schema.names))


def _no_utf8(place: str) -> DataError:
    return DataError("a stored text is not UTF-8", where=place, remedy="mend the row, or leave the field out")


def place_of(batch: pa.RecordBatch, row: int, column: str) -> str:
    """`lead_id 65a5..., email`: which value of which row an error is about."""
    for name in IDS:
        if name in batch.schema.names:
            return f"{name} {batch.column(name)[row].as_py()}, {column}"
    return f"a row without an id in the export, {column}"


def has_id(batch: pa.RecordBatch) -> bool:
    """Whether `place_of` can name a row."""
    return not set(IDS).isdisjoint(batch.schema.names)
