"""The ids of the leads in a stored artifact, read back from its rows in constant memory: one column, a piece at a time."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO

import pyarrow as pa
import zstandard

from export_pipelines.artifacts import Manifest, ManifestColumn, Store
from export_pipelines.frames.delimited import read_column
from export_pipelines.run.lead_marks import LEAD_ID

BATCH_ROWS = 65_536
READ_BYTES = 1 << 20
ROW_END = (b"  }", b"  },")  # of an indented array


class NoTable(Exception):
    """A part is no table of the manifest's columns."""


def id_column(manifest: Manifest) -> ManifestColumn | None:
    """The column that has the ids of the leads as the source has them; None where it is not exported, or masked."""
    return next((column for column in manifest.columns if column.id == LEAD_ID and not column.mask), None)


def why_no_ids(manifest: Manifest) -> str | None:
    """Why the ids of its leads cannot be read back from the artifact; None where they can."""
    if manifest.format not in READERS:
        return f"{manifest.format} is not read back"
    return None if id_column(manifest) else f"it has no column {LEAD_ID} in clear"


def lead_ids(manifest: Manifest, store: Store) -> Iterator[pa.Array]:
    """The id of each row, null where it has none. Raises NoTable, and as `Store.open` for a part that does not open."""
    column = id_column(manifest)
    assert column is not None
    for part in manifest.parts:
        try:
            with store.open(manifest.artifact, part.name) as file:
                yield from READERS[manifest.format](file, manifest, column)
        except (pa.ArrowInvalid, ValueError, KeyError, TypeError, *BROKEN) as error:
            raise NoTable("the file is no table of its columns") from error


def _of_table(file: BinaryIO, manifest: Manifest, column: ManifestColumn) -> Iterator[pa.Array]:
    with ExitStack() as stack:
        yield from read_column(_decompressed(file, manifest.codec, stack), manifest, column.name)


def _of_objects(file: BinaryIO, manifest: Manifest, column: ManifestColumn) -> Iterator[pa.Array]:
    path = column.path or tuple(column.id.split("."))
    with ExitStack() as stack:
        ids: list[str | None] = []
        for text in _objects(_decompressed(file, manifest.codec, stack), manifest):
            value: Any = json.loads(text)
            for step in path:
                value = value[step]
            ids.append(None if value is None else str(value))
            if len(ids) == BATCH_ROWS:
                yield pa.array(ids, pa.large_string())
                ids = []
        yield pa.array(ids, pa.large_string())


def _objects(file: BinaryIO, manifest: Manifest) -> Iterator[bytes]:
    """An object is one line, but for an indented array."""
    pretty, lines = bool(manifest.options.get("pretty")), list[bytes]()
    for line in file:
        text = line.rstrip(b",\n")
        if not lines and text in (b"[", b"]", b"[]", b""):
            continue
        lines.append(text if not pretty or text in ROW_END else line)
        if not pretty or text in ROW_END:
            yield b"".join(lines)
            lines = []
    if lines:
        raise ValueError("the array ends in the middle of an object")


def _of_parquet(file: BinaryIO, _: Manifest, column: ManifestColumn) -> Iterator[pa.Array]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.PythonFile(file, "r"), pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(BATCH_ROWS, columns=[column.name]):
            yield batch.column(0)


def _decompressed(file: BinaryIO, codec: str, stack: ExitStack) -> BinaryIO:
    return io.BufferedReader(stack.enter_context(DECOMPRESSED[codec](file)), READ_BYTES)


def _unzipped(file: BinaryIO) -> Any:
    archive = zipfile.ZipFile(file)
    (member,) = archive.infolist()
    return archive.open(member)


def _zstd(file: BinaryIO) -> Any:
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


Reader = Callable[[BinaryIO, Manifest, ManifestColumn], Iterator[pa.Array]]
READERS: Mapping[str, Reader] = {
    "csv": _of_table,
    "tsv": _of_table,
    "json": _of_objects,
    "ndjson": _of_objects,
    "parquet": _of_parquet,
}
DECOMPRESSED: Mapping[str, Callable[[BinaryIO], Any]] = {
    "none": lambda file: file,
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "zip": _unzipped,
    "zstd": _zstd,
}
BROKEN = (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zstandard.ZstdError)
