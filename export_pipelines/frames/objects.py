"""JSON and NDJSON. msgspec leaves a value as the letters of the file, so that no number is rounded on the way."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from export_pipelines.artifacts import Manifest, ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.errors import DamagedArtifact, not_installed

if TYPE_CHECKING:
    import msgspec

NULL = b"null"


def read_objects(data: bytes, manifest: Manifest, where: str) -> pl.DataFrame:
    """The texts of all columns. Raises DamagedArtifact for what is no JSON of these columns."""
    try:
        import msgspec
    except ModuleNotFoundError:
        raise not_installed("msgspec", "notebook", where) from None
    row = dict[str, msgspec.Raw]
    try:
        if manifest.format == "json":
            rows = msgspec.json.decode(data, type=list[row])
        else:
            rows = msgspec.json.Decoder(row).decode_lines(data)
        return pl.DataFrame(
            [pl.Series(column.name, _texts(rows, column), dtype=pl.String) for column in manifest.columns]
        )
    except (msgspec.DecodeError, KeyError) as error:
        raise DamagedArtifact("the file is no JSON of its columns", where=where) from error


def _texts(rows: Sequence["dict[str, msgspec.Raw]"], column: ManifestColumn) -> list[str | None]:
    import msgspec

    *outer, key = column.path or tuple(column.id.split("."))
    for step in outer:
        inner = msgspec.json.Decoder(dict[str, msgspec.Raw])
        rows = [inner.decode(row[step]) for row in rows]
    values = (bytes(row[key]) for row in rows)
    if column.kind is Kind.JSON:
        return [None if value == NULL else value.decode() for value in values]
    text = msgspec.json.Decoder(str)
    return [
        None if value == NULL else text.decode(value) if value.startswith(b'"') else value.decode()
        for value in values
    ]
