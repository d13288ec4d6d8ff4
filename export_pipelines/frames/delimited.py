"""CSV and TSV with the options that the manifest tells. pyarrow's reader, since it knows a null from a quoted text."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import DamagedArtifact

LARGEST_BLOCK = 2**31 - 1  # one block is the whole part, so that no row lies across two
STREAM_BLOCK = 4 << 20  # a row of a stream has to fit into it
UNESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
ESCAPED_NULL = "\\N"
SEPARATORS = {"csv": ",", "tsv": "\t"}


def read_delimited(data: bytes, manifest: Manifest, where: str) -> pl.DataFrame:
    """The texts of all columns. Raises DamagedArtifact for what is no table of these columns."""
    block = min(len(data) + 1, LARGEST_BLOCK)
    try:
        table = arrow_csv.read_csv(pa.BufferReader(data), *_options(manifest, block))
    except pa.ArrowInvalid as error:
        raise DamagedArtifact("the file is no table of its columns", where=where) from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(_unescaped(pl.all())) if _is_escaped(manifest) else frame


def read_column(file: BinaryIO, manifest: Manifest, column: str) -> Iterator[pa.Array]:
    """The texts of one column, in constant memory. Raises pyarrow.ArrowInvalid for what is no table of these columns."""
    for batch in arrow_csv.open_csv(file, *_options(manifest, STREAM_BLOCK, [column])):
        texts = batch.column(0)
        if _is_escaped(manifest):
            texts = pl.select(_unescaped(pl.lit(pl.Series(texts)))).to_series().to_arrow()
        yield texts


def _unescaped(texts: pl.Expr) -> pl.Expr:
    return texts.str.replace_many(list(UNESCAPED), list(UNESCAPED.values()))


def _options(
    manifest: Manifest, block_bytes: int, columns: Sequence[str] = ()
) -> tuple[arrow_csv.ReadOptions, arrow_csv.ParseOptions, arrow_csv.ConvertOptions]:
    """How the file is read, of `columns` alone, or of all."""
    options, names = manifest.options, [column.name for column in manifest.columns]
    escaped = _is_escaped(manifest)
    return (
        arrow_csv.ReadOptions(
            column_names=names, skip_rows_after_names=1, block_size=block_bytes, use_threads=not columns
        ),
        arrow_csv.ParseOptions(
            delimiter=options.get("delimiter", SEPARATORS[manifest.format]),
            quote_char=False if escaped else '"',
            newlines_in_values=not escaped,
            ignore_empty_lines=False,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            null_values=[ESCAPED_NULL if escaped else str(options.get("null_marker", ""))],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            include_columns=list(columns),
        ),
    )


def _is_escaped(manifest: Manifest) -> bool:
    return manifest.options.get("escape") == "backslash"
