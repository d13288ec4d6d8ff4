"""Artifacts as frames: one whole, or many as they are asked for. Each part proves its digest before it is given out."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
from polars.io.plugins import register_io_source

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.delivery import Artifact
from export_pipelines.errors import DamagedArtifact, RequestError, not_installed
from export_pipelines.frames.decompress import DECOMPRESS
from export_pipelines.frames.delimited import read_delimited
from export_pipelines.frames.objects import read_objects
from export_pipelines.frames.typed import type_of, typed

if TYPE_CHECKING:
    import pandas as pd

TextReader = Callable[[bytes, Manifest, str], pl.DataFrame]
TEXTS: Mapping[str, TextReader] = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "json": read_objects,
    "ndjson": read_objects,
}


def schema_of(manifest: Manifest) -> dict[str, pl.DataType]:
    """The columns of the artifact's frame, by their names in the files."""
    return {column.name: type_of(column) for column in manifest.columns}


def read_artifact(manifest: Manifest, store: Store) -> pl.DataFrame:
    """All rows of the artifact. Raises DamagedArtifact, RequestError for a format that keeps no types."""
    empty = pl.DataFrame(schema=schema_of(manifest))
    return pl.concat([empty, *_parts(manifest, store)])


def to_arrow(manifest: Manifest, store: Store) -> pa.RecordBatchReader:
    """All rows of the artifact in record batches, a part in memory at a time. Raises as `read_artifact`."""
    schema = pl.DataFrame(schema=schema_of(manifest)).to_arrow().schema
    batches = (
        batch for part in _parts(manifest, store) for batch in part.to_arrow().cast(schema).to_batches()
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


def to_pandas(frame: pl.DataFrame) -> "pd.DataFrame":
    """The frame with pyarrow's types behind pandas. Raises SettingsError where pandas is not installed."""
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise not_installed("pandas", "notebook", "Project") from None
    return frame.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)


def scan_artifacts(manifests: Sequence[Manifest], store: Store) -> pl.LazyFrame:
    """The rows of all artifacts, in their order, read part by part when they are asked for, in the columns of the last.

    A column that an earlier artifact lacks is null there. Raises RequestError where one has it with another type.
    """
    schema = pl.Schema(schema_of(manifests[-1]))
    for manifest in manifests:
        for name, type in schema_of(manifest).items():
            if schema.get(name, type) != type:
                raise RequestError(
                    f"{name} is {type} there and {schema[name]} in {manifests[-1].artifact}",
                    where=manifest.artifact,
                    remedy="read the artifacts one by one, or run the earlier windows again",
                )

    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = columns or schema.names()
        for manifest in manifests:
            for part in _parts(manifest, store):
                missing = [
                    pl.lit(None, schema[text]).alias(text) for text in schema if text not in part.columns
                ]
                frame = part.with_columns(missing).select(schema.names())
                if rows is not None:
                    frame, rows = frame[:rows], rows - len(frame[:rows])
                yield (frame if predicate is None else frame.filter(predicate)).select(wanted)
                if rows == 0:
                    return

    return register_io_source(frames, schema=schema, validate_schema=True)


def _parts(manifest: Manifest, store: Store) -> Iterator[pl.DataFrame]:
    artifact = Artifact(manifest, store, datetime.now(UTC))
    for part in manifest.parts:
        where = f"{manifest.artifact}/{part.name}"
        with artifact.open(part) as file:
            data = file.read()
        frame = _frame(data, manifest, where)
        if len(frame) != part.rows:
            raise DamagedArtifact(
                f"{len(frame):,} rows were read, the manifest says {part.rows:,}", where=where
            )
        yield frame


def _frame(data: bytes, manifest: Manifest, where: str) -> pl.DataFrame:
    if manifest.format == "parquet":
        return pl.read_parquet(io.BytesIO(data)).cast(schema_of(manifest))  # type: ignore[arg-type]
    if manifest.format not in TEXTS:
        raise RequestError(
            f"{manifest.format} is for people: a spreadsheet keeps no exact numbers and times",
            where=where,
            remedy="export the window in another format, such as parquet",
        )
    texts = TEXTS[manifest.format](DECOMPRESS[manifest.codec](data), manifest, where)
    return typed(texts, manifest.columns, where)
