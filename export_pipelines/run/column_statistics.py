"""What a manifest states of the values of each column, counted frame by frame. Nothing is counted of personal columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from functools import reduce
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.transform.schema import DECIMAL_DIGITS

Measures = dict[str, Any]
EXACT = Context(prec=10 * DECIMAL_DIGITS)  # Python's own would round a sum to 28 digits
TEXTS, ORDERED = (Kind.TEXT, Kind.JSON), (Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.TIMESTAMP)


@dataclass
class ColumnStatistics:
    """Of one column: nulls, empty texts, the longest text in characters and bytes of UTF-8, the smallest and the largest
    number or time, the sum of numbers; None for what its kind does not have, and where no value is."""

    nulls: int = 0
    empty: int | None = None
    longest_characters: int | None = None
    longest_bytes: int | None = None
    smallest: Any = None
    largest: Any = None
    sum: Decimal | int | None = None

    def add(self, measures: Measures) -> None:
        """Adds what was measured of one frame."""
        for name, value in measures.items():
            before = getattr(self, name)
            if value is not None:
                setattr(self, name, value if before is None else MERGE[name](before, value))

    def stated(self) -> dict[str, Any]:
        """As a manifest has it: numbers and times as texts, as files spell them."""
        values = {name: value for name, value in vars(self).items() if value is not None}
        return values | {
            name: _spelled(values[name]) for name in ("smallest", "largest", "sum") if name in values
        }


def _added(before: Any, value: Any) -> Any:
    return before + value


MERGE: Mapping[str, Callable[[Any, Any], Any]] = {
    "nulls": _added,
    "empty": _added,
    "longest_characters": max,
    "longest_bytes": max,
    "smallest": min,
    "largest": max,
    "sum": lambda before, value: EXACT.add(before, value) if isinstance(value, Decimal) else before + value,
}


class ColumnMeasures:
    """Measures frames of output columns. `by_id` has what is known so far, without columns that are personal or treated."""

    def __init__(self, columns: Iterable[OutputColumn]) -> None:
        self._columns = [column for column in columns if column.is_stated]
        self.by_id = {column.id: ColumnStatistics() for column in self._columns}
        self._names, self._measures = [], []
        for column in self._columns:
            for name, measure in _measures(column):
                self._names.append((column.id, name))
                self._measures.append(measure.alias(str(len(self._names))))

    def add(self, frame: pl.DataFrame) -> None:
        """Measures the rows of `frame`."""
        if not self._measures or not len(frame):
            return
        measured: dict[str, Measures] = {id: {} for id in self.by_id}
        for (id, name), value in zip(self._names, frame.select(self._measures).row(0), strict=True):
            measured[id][name] = value
        for column in self._columns:
            measures = measured[column.id]
            if column.kind is Kind.DECIMAL:
                measures["sum"] = _sum(frame[column.id], measures)
            elif column.kind is Kind.NUMBER:
                measures |= _extremes(frame[column.id])
            self.by_id[column.id].add(measures)


def _measures(column: OutputColumn) -> Iterator[tuple[str, pl.Expr]]:
    value = pl.col(column.id)
    yield "nulls", value.null_count()
    if column.kind in TEXTS:
        lengths = value.str.len_bytes()
        yield "longest_bytes", lengths.max()
        yield "longest_characters", value.str.len_chars().max()
    if column.kind is Kind.TEXT:
        yield "empty", (value.str.len_bytes() == 0).sum()
    if column.kind in ORDERED:
        yield "smallest", value.min()
        yield "largest", value.max()
    if column.kind is Kind.INTEGER:
        yield "sum", value.cast(pl.Int128).sum()


def _sum(values: pl.Series, measures: Measures) -> Decimal:
    """Exact, also where the sum has more digits than a column of decimals holds."""
    extremes = [measures[name] for name in ("smallest", "largest") if measures[name] is not None]
    digits = max((len(value.as_tuple().digits) for value in extremes), default=0)
    if digits + len(str(len(values))) < DECIMAL_DIGITS:
        return Decimal(values.sum() or 0)
    return reduce(EXACT.add, values.drop_nulls().to_list(), Decimal(0))


def _extremes(texts: pl.Series) -> Measures:
    """The smallest and the largest of exact numbers: a double tells which few have to be compared."""
    doubles = texts.cast(pl.Float64)
    measures: Measures = {"smallest": None, "largest": None}
    if doubles.null_count() < len(doubles):
        for name, double, choose in (("smallest", doubles.min(), min), ("largest", doubles.max(), max)):
            measures[name] = choose(map(Decimal, texts.filter(doubles == double).unique().to_list()))
    return measures


def _spelled(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)
