"""Texts of columns become the types that the manifest declares: the same frame from every format."""

from collections.abc import Sequence

import polars as pl

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.errors import DamagedArtifact
from export_pipelines.transform.schema import TIMESTAMP_FORMAT, polars_type

TRUTHS = {"true": True, "false": False}


def type_of(column: ManifestColumn) -> pl.DataType:
    """Numbers without a declared scale, and JSON, are their exact texts."""
    return polars_type(column.kind, column.scale)


def typed(texts: pl.DataFrame, columns: Sequence[ManifestColumn], where: str) -> pl.DataFrame:
    """`texts` has the columns in order. Raises DamagedArtifact for a text that is no value of its column's type."""
    values = texts.select(_parsed(column) for column in columns)
    for column in columns:
        if values[column.name].null_count() != texts[column.name].null_count():
            raise DamagedArtifact(
                f"a value is not of the type {column.kind}", where=f"{where}: {column.name}"
            )
    return values


def _parsed(column: ManifestColumn) -> pl.Expr:
    text = pl.col(column.name)
    if column.kind not in (Kind.TEXT, Kind.JSON):
        text = pl.when(text != "").then(text)  # null, where every value is quoted
    match column.kind:
        case Kind.BOOLEAN:
            return text.replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)
        case Kind.DATE:
            return text.str.to_date("%Y-%m-%d", strict=False)
        case Kind.TIMESTAMP:
            return text.str.to_datetime(TIMESTAMP_FORMAT, time_unit="ms", strict=False).dt.replace_time_zone(
                "UTC"
            )
        case _:
            return text.cast(type_of(column), strict=False)
