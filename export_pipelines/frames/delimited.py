"""CSV and TSV with the options that the manifest tells. pyarrow's reader, since it knows a null from a quoted text."""

import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import DamagedArtifact

LARGEST_BLOCK = 2**31 - 1  # one block is the whole part, so that no row lies across two
UNESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
ESCAPED_NULL = "\\N"
SEPARATORS = {"csv": ",", "tsv": "\t"}


def read_delimited(data: bytes, manifest: Manifest, where: str) -> pl.DataFrame:
    """The texts of all columns. Raises DamagedArtifact for what is no table of these columns."""
    options, names = manifest.options, [column.name for column in manifest.columns]
    escaped = options.get("escape") == "backslash"
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(
                column_names=names, skip_rows_after_names=1, block_size=min(len(data) + 1, LARGEST_BLOCK)
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
            ),
        )
    except pa.ArrowInvalid as error:
        raise DamagedArtifact("the file is no table of its columns", where=where) from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    if escaped:
        return frame.with_columns(pl.all().str.replace_many(list(UNESCAPED), list(UNESCAPED.values())))
    return frame
