"""The Arrow and Polars types of each kind of value: the one place where both are named."""

import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind

DECIMAL_DIGITS = 38
TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"

_ARROW = {
    Kind.TEXT: pa.string(),
    Kind.NUMBER: pa.string(),
    Kind.JSON: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("ms", tz="UTC"),
}
_POLARS: dict[Kind, pl.DataType] = {
    Kind.TEXT: pl.String(),
    Kind.NUMBER: pl.String(),
    Kind.JSON: pl.String(),
    Kind.INTEGER: pl.Int64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.DATE: pl.Date(),
    Kind.TIMESTAMP: pl.Datetime("ms", "UTC"),
}


def arrow_type(kind: Kind, scale: int | None) -> pa.DataType:
    return pa.decimal128(DECIMAL_DIGITS, scale or 0) if kind is Kind.DECIMAL else _ARROW[kind]


def polars_type(kind: Kind, scale: int | None) -> pl.DataType:
    return pl.Decimal(DECIMAL_DIGITS, scale or 0) if kind is Kind.DECIMAL else _POLARS[kind]
