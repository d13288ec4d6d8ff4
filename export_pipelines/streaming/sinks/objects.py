"""Objects of a stream: rows become the bytes of one, its place by export, time and sequence, and what an intention says of it."""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypedDict, cast

from export_pipelines.definition.output import CODECS, FORMATS, compression_of
from export_pipelines.definition.stream import S3StreamSettings
from export_pipelines.encode.buffer import csv_bytes
from export_pipelines.encode.compress import compressor_of
from export_pipelines.encode.encoders import ENCODERS
from export_pipelines.plan.plan import Plan
from export_pipelines.run.part_cutter import ENCODED_CELLS
from export_pipelines.s3 import PIECE_BYTES
from export_pipelines.streaming.records import Records
from export_pipelines.streaming.sink import Envelope, Intention, Shown
from export_pipelines.templates import render

SEQUENCE_DIGITS = 16
MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


class ObjectIntention(TypedDict):
    """What is about to be put: `first` and `last` are sequences, both included."""

    key: str
    sha256: str
    rows: int
    bytes: int
    first: int
    last: int


class Rows(Protocol):
    """The bytes of one object's rows."""

    def encode(self, rows: Shown) -> Iterator[bytes]: ...

    def end(self) -> bytes: ...


class Lines:
    """A record a line."""

    def __init__(self, plan: Plan, envelope: Envelope) -> None:
        self.records = Records(plan, envelope)
        self.step = max(1, ENCODED_CELLS // len(plan.masking.columns))

    def encode(self, rows: Shown) -> Iterator[bytes]:
        for start in range(0, len(rows.frame), self.step):
            frame, ids = rows.frame[start : start + self.step], rows.ids[start : start + self.step]
            texts = self.records.frame(Shown(frame, ids, rows.sequence + start, rows.emitted_at))
            yield csv_bytes(texts.select("text"), quote_style="never", line_terminator="\n")

    def end(self) -> bytes:
        return b""


class ParquetRows:
    """Row groups, which compress by themselves."""

    def __init__(self, plan: Plan, codec: str, level: int | None) -> None:
        self._encoder = ENCODERS["parquet"](plan.masking.columns, {"compression": codec, "level": level})
        self._begin = self._encoder.begin()
        self._rows = 0

    def encode(self, rows: Shown) -> Iterator[bytes]:
        begin, self._begin = self._begin, b""
        yield begin + self._encoder.encode(rows.frame, first=not self._rows)
        self._rows += len(rows.frame)

    def end(self) -> bytes:
        return self._encoder.end(empty=not self._rows)


class OpenObject:
    """One object on its way, in memory. `first` is the sequence of its first row, `at` the time of the look that found it; `size`
    is in bytes."""

    def __init__(self, plan: Plan, settings: S3StreamSettings, envelope: Envelope, rows: Shown) -> None:
        wanted = compression_of(settings.compression)
        parquet = settings.format == "parquet"
        self._rows: Rows = ParquetRows(plan, wanted.codec, wanted.level) if parquet else Lines(plan, envelope)
        self._compressor = compressor_of("none" if parquet else wanted.codec, wanted.level)
        self._pieces: deque[bytearray] = deque()
        self._digest = hashlib.sha256()
        self.size = self.rows = 0
        self.first, self.at = rows.sequence, rows.emitted_at
        self.add(rows)

    def add(self, rows: Shown) -> None:
        for data in self._rows.encode(rows):
            self._keep(self._compressor.compress(data))
        self.rows += len(rows.frame)
        self.last = rows.sequence + len(rows.frame) - 1

    def finish(self, key: str) -> ObjectIntention:
        """Ends the object, and says what is to be put at `key`: all `pieces`."""
        self._keep(self._compressor.compress(self._rows.end()))
        self._keep(self._compressor.flush())
        return {
            "key": key,
            "sha256": self._digest.hexdigest(),
            "rows": self.rows,
            "bytes": self.size,
            "first": self.first,
            "last": self.last,
        }

    def pieces(self) -> Iterator[bytearray]:
        """The bytes, once, as an upload sends them: each piece is given up when it is taken."""
        while self._pieces:
            yield self._pieces.popleft()

    def _keep(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        left = memoryview(data)
        while left:
            if not self._pieces or len(self._pieces[-1]) == PIECE_BYTES:
                self._pieces.append(bytearray())
            piece = self._pieces[-1]
            taken = PIECE_BYTES - len(piece)
            piece += left[:taken]
            left = left[taken:]


def extension_of(settings: S3StreamSettings) -> str:
    codec = compression_of(settings.compression).codec
    spec = FORMATS[settings.format]
    return spec.extension + ("" if spec.own_codecs else CODECS[codec].suffix)


def media_type_of(settings: S3StreamSettings) -> str:
    codec, spec = compression_of(settings.compression).codec, FORMATS[settings.format]
    return spec.media_type if spec.own_codecs else CODECS[codec].media_type or spec.media_type


def key_of(settings: S3StreamSettings, export: str, at: datetime, first: int) -> str:
    """The object's key: its folder, by the hour in UTC, then the export and the first sequence."""
    at = at.astimezone(UTC)
    words = {
        "export": export,
        "date": f"{at:%Y-%m-%d}",
        "hour": f"{at:%H}",
        "year": f"{at.year:04d}",
        "month": f"{at:%m}",
        "day": f"{at:%d}",
    }
    return f"{render(settings.key, words)}{export}-{first:0{SEQUENCE_DIGITS}d}.{extension_of(settings)}"


def folder_of(intention: Intention) -> str:
    """The folder of an intention's object, with its slash at the end."""
    folder, slash, _ = str(intention["key"]).rpartition("/")
    return folder + slash


def manifest_of(export: str, folder: str, objects: Sequence[Intention]) -> bytes:
    """The manifest of a folder: all `objects` in it, which were intended and did arrive. Raises ValueError for one of another
    folder, or for two with the same sequence."""
    ordered = sorted(cast("Sequence[ObjectIntention]", objects), key=lambda entry: entry["first"])
    last = -1
    for entry in ordered:
        if folder_of(cast("Intention", entry)) != folder or entry["first"] <= last:
            raise ValueError(f"{entry['key']} does not belong into the manifest of {folder}")
        last = entry["last"]
    listed = [
        {
            "name": entry["key"].removeprefix(folder),
            "rows": entry["rows"],
            "bytes": entry["bytes"],
            "sha256": entry["sha256"],
            "first_sequence": entry["first"],
            "last_sequence": entry["last"],
        }
        for entry in ordered
    ]
    whole: Mapping[str, Any] = {
        "version": MANIFEST_VERSION,
        "export": export,
        "rows": sum(entry["rows"] for entry in ordered),
        "objects": listed,
    }
    return json.dumps(whole, indent=2).encode() + b"\n"
