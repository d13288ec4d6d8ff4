"""Groups from the source become a report: no gaps in its time, metrics out of sums, a pivot, an order of rows."""

from collections.abc import Iterable

import polars as pl
import pyarrow as pa

from export_pipelines.catalog.metrics import METRICS
from export_pipelines.errors import DataError
from export_pipelines.plan.limits import require_room
from export_pipelines.plan.plan import OutputColumn, Plan, Report
from export_pipelines.plan.query.query import SourceColumn
from export_pipelines.plan.report.query import TOTAL
from export_pipelines.plan.report.rows import MISFIT, MISFITS
from export_pipelines.transform.casts import conform
from export_pipelines.transform.report.gaps import CONSTANT, crossed_keys, measured, without_gaps
from export_pipelines.transform.report.metrics import from_cents, value_of
from export_pipelines.transform.report.pivot import pivoted
from export_pipelines.transform.report.small_groups import HIDDEN, left_to_tell, marked
from export_pipelines.transform.schema import arrow_type, polars_type


def finish_report(plan: Plan, batches: Iterable[pa.RecordBatch]) -> tuple[Plan, Iterable[pa.RecordBatch]]:
    """The plan and batches to write. For rows these are the given ones; a report is made here, as a whole.

    The plan of a report comes back with the columns that there are, since the values of a pivot are columns. Raises
    DataError for an amount that is none, LimitReached or RequestError for more rows than may be written.
    """
    if plan.report is None:
        return plan, batches
    frame, columns = _report(plan, plan.report, _groups(plan, batches))
    require_room(plan, len(frame))
    schema = pa.schema([pa.field(column.id, arrow_type(column.kind, column.scale)) for column in columns])
    source = tuple(
        SourceColumn(name=column.id, kind=column.kind, scale=column.scale, type=column.type)
        for column in columns
    )
    shown = {
        "query": plan.query.model_copy(update={"columns": source}),
        "masking": plan.masking.model_copy(update={"columns": columns}),
    }
    return plan.model_copy(update=shown), frame.to_arrow().cast(schema).to_batches()


def _groups(plan: Plan, batches: Iterable[pa.RecordBatch]) -> pl.DataFrame:
    columns = plan.query.columns
    empty = pl.DataFrame(schema={column.name: polars_type(column.kind, column.scale) for column in columns})
    frames = [conform(batch, columns) for batch in batches]
    groups = pl.concat([empty, *frames]).with_columns(pl.lit(1).alias(CONSTANT))
    misfits = int(groups.filter(~pl.col(TOTAL))[MISFITS].sum())
    if misfits:
        raise DataError(
            f"{misfits:,} rows hold an amount that is no number of two places, or a number or a time that is none",
            where=f"{plan.export}, row {groups[MISFIT].drop_nulls().sort()[0]} among them",
            remedy="mend the rows, or filter them out; an export of the rows names the field",
        )
    return groups


def _report(
    plan: Plan, report: Report, groups: pl.DataFrame
) -> tuple[pl.DataFrame, tuple[OutputColumn, ...]]:
    """Rows in the order of their keys, nulls last, the total after all."""
    columns = plan.masking.columns
    groups = marked(report, groups)
    parts = [without_gaps(plan, report, groups.filter(~pl.col(TOTAL)))]
    if report.totals:
        parts.append(_whole(report, groups.filter(pl.col(TOTAL)), parts[0]))
    frame = left_to_tell(report, pl.concat(parts, how="diagonal"), crossed_keys(report))
    frame = frame.select(_value(report, column) for column in columns)
    order = [name for name in (TOTAL, *report.keys) if name in frame.columns]
    if order:
        frame = frame.sort(order, nulls_last=True)
    return pivoted(report, frame, columns) if report.pivot else (frame, columns)


def _whole(report: Report, totals: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The one total; with a pivot one for each of its values."""
    if report.pivot is None:
        return totals
    grid = rows.select(CONSTANT, report.pivot).unique()
    return measured(report, grid, totals).with_columns(pl.lit(True).alias(TOTAL))


def _value(report: Report, column: OutputColumn) -> pl.Expr:
    type = polars_type(column.kind, column.scale)
    if column.id in report.missing:
        return pl.lit(None, type).alias(column.id)
    if column.id in METRICS and column.id not in report.keys:
        value = value_of(METRICS[column.id]).cast(type)
        return pl.when(~pl.col(HIDDEN)).then(value).alias(column.id)
    if column.scale is not None:  # an amount to group by, which comes in cents
        return from_cents(pl.col(column.id)).cast(type)
    return pl.col(column.id)
