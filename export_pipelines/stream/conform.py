"""Text from the source becomes the types that the plan declares. What does not fit is an error, never another value."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from export_pipelines.catalog import Kind, StoredAs
from export_pipelines.errors import DataError
from export_pipelines.plan.plan import SourceColumn
from export_pipelines.stream.letters import Letters, table
from export_pipelines.stream.schema import DECIMAL_DIGITS, arrow_type, polars_type

EXPONENT = table(b"eE")
IDS = ("lead_id", "event_id")
TRUE, FALSE = ("1", "t", "true", "yes", "y"), ("0", "f", "false", "no", "n")
CANONICAL_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?$"
TICKS_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
FIRST_S, END_S = -62_135_596_800, 253_402_300_800  # of the years 1 and 10000
MILLISECONDS_OF = {StoredAs.EPOCH_S: 1000, StoredAs.EPOCH_MS: 1}


def conform(batch: pa.RecordBatch, columns: tuple[SourceColumn, ...]) -> pl.DataFrame:
    """These columns of the batch with the plan's types, from strings of UTF-8 or from those types; DataError names the
    row's id and the column."""
    values, texts = {}, {}
    for column in columns:
        array = batch.column(column.name)
        if pa.types.is_timestamp(array.type):
            values[column] = _milliseconds(batch, column, array)
        elif array.type == arrow_type(column.kind, column.scale) and column.kind is not Kind.NUMBER:
            values[column] = _series(array)
        elif (plain := _plainly(array, column)) is not None:
            values[column] = plain
        else:
            texts[column] = _series(array).cast(pl.String)
    values |= _parsed(batch, texts)
    return pl.DataFrame([values[one].alias(one.name) for one in columns])


def _series(array: pa.Array) -> pl.Series:
    return pl.Series("", array)


def _plainly(array: pa.Array, column: SourceColumn) -> pl.Series | None:
    """Amounts and days in their plainest spelling, the only one that Arrow takes, in a fifth of the time."""
    if not pa.types.is_string(array.type) or column.kind not in (Kind.DECIMAL, Kind.DATE):
        return None
    if column.kind is Kind.DECIMAL:
        letters = Letters(array.cast(pa.large_string()))
        # with its places filled up, a longer one may be more than 128 bits hold, which Arrow does not always tell
        if letters.lengths.max(initial=0) > DECIMAL_DIGITS - (column.scale or 0):
            return None
        if letters.are(EXPONENT).any():
            return None
    try:
        return _series(array.cast(arrow_type(column.kind, column.scale)))
    except pa.ArrowInvalid:
        return None


def _parsed(batch: pa.RecordBatch, columns: dict[SourceColumn, pl.Series]) -> dict[SourceColumn, pl.Series]:
    """The columns that came as texts, by their kind, all at once."""
    if not columns:
        return {}
    texts = pl.DataFrame([text.alias(one.name) for one, text in columns.items()])
    values = texts.select(_PARSERS[one.kind](pl.col(one.name), one).alias(one.name) for one in columns)
    for one in columns:
        if values[one.name].null_count() != texts[one.name].null_count():
            bad = (values[one.name].is_null() & texts[one.name].is_not_null()).arg_true()[0]
            raise DataError(
                f"a stored value is not a {one.kind}" + (f" of {one.scale} places" if one.scale else ""),
                where=place_of(batch, int(bad), one.name),
                remedy="mend the row, or give the field its right type in the catalog",
            )
    return {one: values[one.name].cast(polars_type(one.kind, one.scale)) for one in columns}


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


def _integer(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    return text.str.strip_suffix(".0").cast(pl.Int64, strict=False)


def _decimal(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    """Digits beyond the scale are no rounding matter: only zeros may stand there."""
    scale = column.scale or 0
    places = rf"\.[0-9]{{0,{scale}}}0*"
    fits = text.str.contains(rf"^\s*[+-]?([0-9]+({places})?|{places})\s*$")
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
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return format(number, "f") if number.is_finite() else None


def _boolean(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    word = text.str.to_lowercase()
    return pl.when(word.is_in(TRUE)).then(pl.lit(True)).when(word.is_in(FALSE)).then(pl.lit(False))


def _date(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    """A day, or a time of its midnight as databases write days; another time of day would be cut off."""
    return pl.when(text.str.contains(DAY)).then(text.str.head(10)).str.to_date("%Y-%m-%d", strict=False)


def _timestamp(text: pl.Expr, column: SourceColumn) -> pl.Expr:
    if column.stored_as in MILLISECONDS_OF:
        moment = text.cast(pl.Decimal(38, 3), strict=False) * MILLISECONDS_OF[column.stored_as]
        return moment.cast(pl.Int64).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    naive = text.str.strip_suffix("Z").str.replace(" ", "T", literal=True)
    return naive.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False).dt.replace_time_zone(
        "UTC"
    )


DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]00:00(:00(\.0+)?)?(Z|[+-]00(:?00)?)?)?$"
_PARSERS: dict[Kind, Callable[[pl.Expr, SourceColumn], pl.Expr]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
}


def demand_utf8(batch: pa.RecordBatch) -> None:
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
                return DataError(
                    "a stored text is not UTF-8",
                    where=place_of(batch, row, name),
                    remedy="mend the row, or leave the field out",
                )
    return DataError("a stored value cannot be read", where=", ".join(batch.schema.names))


def place_of(batch: pa.RecordBatch, row: int, column: str) -> str:
    """`lead_id 65a5..., email`: which value of which row an error is about."""
    for name in IDS:
        if name in batch.schema.names:
            return f"{name} {batch.column(name)[row].as_py()}, {column}"
    return f"a row without an id in the export, {column}"


def has_id(batch: pa.RecordBatch) -> bool:
    """Whether `place_of` can name a row."""
    return not set(IDS).isdisjoint(batch.schema.names)
