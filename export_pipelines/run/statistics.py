"""What is counted of the rows that go through, and what a run tells in the end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from export_pipelines.encode.encoder import CellCounts
from export_pipelines.mask.apply import Masked
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.run.column_statistics import ColumnMeasures, ColumnStatistics
from export_pipelines.run.part_writer import WrittenPart


@dataclass(frozen=True)
class Written:
    """What was written. `rows_read` came from the source, of which a report makes others; `columns` are those of the
    files; `values` has by id what may be stated of their values; `null_required` counts nulls in required columns, `bad_json`
    by column the values that did not parse and became null; `seconds` is busy time by stage."""

    parts: tuple[WrittenPart, ...]
    rows: int
    rows_read: int
    columns: tuple[OutputColumn, ...]
    values: Mapping[str, ColumnStatistics]
    raw_bytes: int
    null_required: dict[str, int]
    bad_json: dict[str, int]
    masked_values: int
    cells: CellCounts
    seconds: dict[str, float]


@dataclass
class Statistics:
    """Counts so far. Each method belongs to one stage, but `expect`, which comes before rows are shown."""

    rows_read: int = 0
    rows: int = 0
    masked_values: int = 0
    nulls: Counter[str] = field(default_factory=Counter)
    bad_json: Counter[str] = field(default_factory=Counter)

    columns: tuple[OutputColumn, ...] = ()
    measures: ColumnMeasures = field(default_factory=lambda: ColumnMeasures(()))

    def expect(self, columns: tuple[OutputColumn, ...]) -> None:
        """Names the columns of the files, which a report knows once its source was read."""
        self.columns, self.measures = columns, ColumnMeasures(columns)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.id for column in self.columns if column.required)

    def read(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of the source, counted. Closes `batches`."""
        reading = iter(batches)
        try:
            for batch in reading:
                self.rows_read += batch.num_rows
                yield batch
        finally:
            close = getattr(reading, "close", None)
            if close:
                close()

    def shown(self, masked: Masked) -> pl.DataFrame:
        """The frame of what was masked, of which is counted what concerns all rows, written or not."""
        self.masked_values += masked.values
        self.bad_json += masked.bad_json
        for id in self.required:
            self.nulls[id] += masked.frame[id].null_count()
        return masked.frame

    def output(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A frame of rows that are written, counted."""
        self.rows += len(frame)
        self.measures.add(frame)
        return frame

    def written(
        self,
        parts: Sequence[WrittenPart],
        cells: CellCounts,
        seconds: Mapping[str, float],
    ) -> Written:
        """All that was counted, once the last part is there."""
        return Written(
            parts=tuple(parts),
            rows=self.rows,
            rows_read=self.rows_read,
            columns=self.columns,
            values=self.measures.by_id,
            raw_bytes=sum(part.raw_bytes for part in parts),
            null_required={id: self.nulls[id] for id in self.required},
            bad_json=dict(self.bad_json),
            masked_values=self.masked_values,
            cells=cells,
            seconds={stage: round(spent, 3) for stage, spent in seconds.items()},
        )
