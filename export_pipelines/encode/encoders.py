"""The table of formats: a new format is one file and one row here."""

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa

from export_pipelines.encode.encoder import Columns, Encoder
from export_pipelines.encode.xlsx.shared_strings import require_cells_hold
from export_pipelines.plan.plan import Plan

ROW_GROUP_ROWS = 16_384  # about 16 MB of wide leads, held several times over while they are written


# Each encoder is imported when its format is first written, and the library that it needs with it.
def _delimited(delimiter: str, columns: Columns, options: dict[str, Any]) -> Encoder:
    from export_pipelines.encode.delimited import DelimitedEncoder

    return DelimitedEncoder(delimiter, columns, options)


def _json(as_array: bool, columns: Columns, options: dict[str, Any]) -> Encoder:
    from export_pipelines.encode.json import JsonEncoder

    return JsonEncoder(as_array, columns, options)


def _parquet(columns: Columns, options: dict[str, Any]) -> Encoder:
    from export_pipelines.encode.parquet import ParquetEncoder

    codec, level = options.get("compression") or "none", options.get("level")
    return ParquetEncoder(columns, codec, level, ROW_GROUP_ROWS)


def _xlsx(columns: Columns, options: dict[str, Any]) -> Encoder:
    from export_pipelines.encode.xlsx.encoder import XlsxEncoder

    return XlsxEncoder(columns, options)


ENCODERS: dict[str, Callable[[Columns, dict[str, Any]], Encoder]] = {
    "csv": partial(_delimited, ","),
    "tsv": partial(_delimited, "\t"),
    "json": partial(_json, True),
    "ndjson": partial(_json, False),
    "parquet": _parquet,
    "xlsx": _xlsx,
}


# what a format cannot hold, told while the rows' ids are known: a DataError
DEMANDS: dict[str, Callable[[Columns, pl.DataFrame, pa.RecordBatch], None]] = {"xlsx": require_cells_hold}


def require_fitting(plan: Plan, frame: pl.DataFrame, batch: pa.RecordBatch) -> None:
    """Raises DataError for a value of the output `frame` that the plan's format cannot hold; `batch` is what it was made of."""
    if plan.encoding.format in DEMANDS:
        DEMANDS[plan.encoding.format](plan.masking.columns, frame, batch)


def encoder_of(plan: Plan) -> Encoder:
    """A new encoder for the parts of a whole plan."""
    return ENCODERS[plan.encoding.format](plan.masking.columns, plan.encoding.options)
