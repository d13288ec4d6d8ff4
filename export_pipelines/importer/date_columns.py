"""In which order the columns of a file write dates as `1/2/2024`: told by a person, or by a row whose day is past the 12th."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from export_pipelines.errors import ImportFileError
from export_pipelines.importer.dates import SLASHED, DateOrder, order_evidence
from export_pipelines.importer.guess_dialect import FileForm, opened_text
from export_pipelines.importer.layout import Layout
from export_pipelines.importer.records import Record, read_records

LOOKED_AT = 2_000  # records that show whether a column holds such dates at all


@dataclass(frozen=True)
class ColumnOrder:
    """The order of one column, and the line that told it: None where a person did, or day and month are always equal."""

    at: int
    header: str
    order: DateOrder
    line: int | None


def orders_of(file: Path, form: FileForm, layout: Layout, said: DateOrder | None) -> tuple[ColumnOrder, ...]:
    """The orders of the columns that hold such dates; the whole file is read for them. Raises ImportFileError where its
    rows tell none, or both."""
    places = [at for at, step in enumerate(layout.cells) if step.may_hold_slashed_dates]
    limit = None if said else LOOKED_AT  # what was said holds for all
    with opened_text(file, form.encoding) as stream:
        first = islice(read_records(stream, form.delimiter, str(file)), 1, limit)
        holding = {at for record in first for at in places if SLASHED.match(_cell(record, at))}
    places = [at for at in places if at in holding]
    if said:
        return tuple(ColumnOrder(at, layout.cells[at].header, said, None) for at in places)
    return tuple(_order_of(at, layout.cells[at].header, file, form) for at in places)


def _order_of(at: int, header: str, file: Path, form: FileForm) -> ColumnOrder:
    with opened_text(file, form.encoding) as stream:
        records = islice(read_records(stream, form.delimiter, str(file)), 1, None)
        evidence = order_evidence(_cells(records, at))
    assert evidence
    if evidence.order:
        return ColumnOrder(at, header, evidence.order, evidence.lines.get(evidence.order))
    lines = [f"line {line} is {order}" for order, line in evidence.lines.items()]
    why = " and ".join(lines) if lines else "no row has a day after the 12th"
    raise ImportFileError(
        f'the dates of the column "{header}" are written as 1/2/2024, and which is the day cannot be told: {why}',
        where=str(file),
        remedy="say it: --dates 'month first' or --dates 'day first', or map the column with a `format`",
    )


def _cells(records: Iterator[Record], at: int) -> Iterator[tuple[int, str]]:
    return ((record.line, _cell(record, at)) for record in records)


def _cell(record: Record, at: int) -> str:
    return record.cells[at] if not record.fault and at < len(record.cells) else ""
