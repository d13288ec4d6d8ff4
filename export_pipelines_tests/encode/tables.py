"""Small tables with any values, the plan that writes them, and a store that keeps parts in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.encode.encoder import Encoder
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import (
    Compression,
    Encoding,
    Extract,
    Masking,
    Output,
    OutputColumn,
    Plan,
    Predicates,
    Projection,
    Window,
)
from export_pipelines.plan.query.query import Query, SourceColumn
from export_pipelines.run.statistics import Written
from export_pipelines.run.write_parts import write_parts
from export_pipelines.transform.schema import arrow_type, polars_type

MEDIA = {"csv": "text/csv", "json": "application/json"}
SUFFIX = {"none": "", "gzip": ".gz", "zip": ".zip", "zstd": ".zst"}
Row = tuple[Any, ...]


def column(
    id: str,
    kind: Kind = Kind.TEXT,
    scale: int | None = None,
    header: str | None = None,
    path: tuple[str, ...] | None = None,
    required: bool = False,
) -> OutputColumn:
    """A column that is exported as it is read."""
    return OutputColumn(
        id=id,
        header=header or id,
        json_path=path or (id,),
        kind=kind,
        scale=2 if kind is Kind.DECIMAL and scale is None else scale,
        type="text",
        pii=PiiClass.NONE,
        required=required,
        source=id,
    )


def plan_of(
    columns: Sequence[OutputColumn],
    form: str = "csv",
    codec: str = "none",
    *,
    options: Mapping[str, Any] | None = None,
    level: int | None = None,
    **output: Any,
) -> Plan:
    """The whole plan that writes `columns`; `output` sets parts and limits."""
    start, end = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 1, 16, tzinfo=UTC)
    inner, outer = dict(options or {}), Compression(codec=codec, level=level)
    if form == "parquet":
        inner, outer = inner | {"compression": codec, "level": level}, Compression(codec="none")
    source = tuple(
        SourceColumn(name=column.id, kind=column.kind, scale=column.scale, type="text") for column in columns
    )
    return Plan(
        export="table",
        type="lead",
        extract=Extract(
            dataset="leads",
            table="leads",
            dialect="sqlite",
            window=Window(start=start, end=end, key="2024-01-15"),
            window_field="at",
            order=("at",),
        ),
        filter=Predicates(text=()),
        projection=Projection(columns=tuple(columns)),
        masking=Masking(columns=tuple(columns)),
        query=Query(sql="", count_sql="", columns=source),
        encoding=Encoding(format=form, options=inner, media_type=MEDIA.get(form, "")),
        compression=outer,
        output=Output(
            **{
                "part_name": f"part_{{part}}.{form}{SUFFIX[outer.codec]}",
                "max_rows": 10**6,
                "max_bytes": 10**9,
                **output,
            }
        ),
    )


def frame_of(columns: Sequence[OutputColumn], rows: Sequence[Row]) -> pl.DataFrame:
    """The output frame that encoders are given."""
    return pl.DataFrame(
        [
            pl.Series(
                column.id, [row[i] for row in rows], dtype=polars_type(column.kind, column.scale), strict=True
            )
            for i, column in enumerate(columns)
        ]
    )


def batch_of(columns: Sequence[OutputColumn], rows: Sequence[Row]) -> pa.RecordBatch:
    """The batch that a source reads."""
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row[i] for row in rows], arrow_type(column.kind, column.scale))
            for i, column in enumerate(columns)
        ],
        names=[column.id for column in columns],
    )


def batches_of(columns: Sequence[OutputColumn], rows: Sequence[Row], size: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), size):
        yield batch_of(columns, rows[start : start + size])


def encoded(encoder: Encoder, *frames: pl.DataFrame) -> bytes:
    """One part with these frames."""
    pieces, rows = [encoder.begin()], 0
    for frame in frames:
        pieces.append(encoder.encode(frame, first=rows == 0))
        rows += len(frame)
    return b"".join([*pieces, encoder.end(empty=rows == 0)])


@dataclass
class MemorySink:
    """A part in memory that remembers how it ended; fails at `fail_at` bytes, as a full disk does."""

    fail_at: int | None = None
    data: bytearray = field(default_factory=bytearray)
    state: str = "open"

    def write(self, data: bytes) -> None:
        if self.fail_at is not None and len(self.data) + len(data) > self.fail_at:
            raise OSError("no space left on device")
        self.data += data

    def finish(self) -> None:
        self.state = "finished"

    def abort(self) -> None:
        self.state = "aborted"


@dataclass
class MemoryStore:
    """Keeps every part that was opened."""

    fail_at: int | None = None
    sinks: dict[str, MemorySink] = field(default_factory=dict)

    def open_part(self, name: str) -> MemorySink:
        assert name not in self.sinks
        self.sinks[name] = MemorySink(self.fail_at)
        return self.sinks[name]

    @property
    def parts(self) -> dict[str, bytes]:
        return {name: bytes(sink.data) for name, sink in self.sinks.items() if sink.state == "finished"}

    @property
    def states(self) -> set[str]:
        return {sink.state for sink in self.sinks.values()}


def written(plan: Plan, batches: Iterable[pa.RecordBatch]) -> tuple[Written, dict[str, bytes]]:
    """What `write_parts` tells, and the finished parts."""
    store = MemoryStore()
    return write_parts(plan, batches, store.open_part, Keys()), store.parts
