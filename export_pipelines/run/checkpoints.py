"""How far a run has come after each part of so many rows: what was counted, and the sort values of the last row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa

from export_pipelines.encode.encoder import CellCounts
from export_pipelines.run.part_cutter import Finish, Piece
from export_pipelines.run.part_writer import WrittenPart
from export_pipelines.run.statistics import Statistics

SPELLED: dict[str, Callable[[str], Any]] = {
    "Decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


@dataclass(frozen=True)
class Progress:
    """The finished parts, the sort values of their last row as texts, and what was counted of them: JSON."""

    parts: tuple[WrittenPart, ...]
    after: tuple[str, ...]
    counts: dict[str, Any]
    cells: dict[str, Any]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def raw_bytes(self) -> int:
        return sum(part.raw_bytes for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Progress":
        parts = tuple(WrittenPart(**part) for part in content["parts"])
        return cls(parts, tuple(content["after"]), content["counts"], content["cells"])


class Checkpoints:
    """Watches the stages of one run, whose rows are sorted by the columns `ids` and cut into parts of `size` rows; each
    finished part is given to `write` with all before it. Goes on where `begun` has ended.

    Batches end where parts do, so that each stage knows what it has counted then."""

    def __init__(
        self, size: int, ids: tuple[str, ...], write: Callable[[Progress], None], begun: Progress | None
    ) -> None:
        self.size, self.ids, self.write, self.begun = size, ids, write, begun
        self.parts = list(begun.parts) if begun else []
        self._rows = begun.rows if begun else 0
        self._after: dict[int, tuple[str, ...] | None] = {}
        self._counts: dict[int, dict[str, Any]] = {}
        self._cells: dict[int, dict[str, Any]] = {}

    def aligned(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows, in batches that end where parts end."""
        for batch in batches:
            start = 0
            while start < batch.num_rows:
                head = batch.slice(start, self.size - self._rows % self.size)
                start += head.num_rows
                self._rows += head.num_rows
                if self._rows % self.size == 0:
                    self._after[self._rows // self.size] = self._last(head)
                yield head

    def counting(self, statistics: Statistics) -> Callable[[pl.DataFrame], pl.DataFrame]:
        """`statistics.output`, which remembers what was counted at the end of a part."""

        def output(frame: pl.DataFrame) -> pl.DataFrame:
            statistics.output(frame)
            if statistics.rows % self.size == 0:
                self._counts[statistics.rows // self.size] = _counts(statistics)
            return frame

        return output

    def ending(self, pieces: Iterable[Piece], cells: CellCounts) -> Iterator[Piece]:
        number = len(self.parts)
        for piece in pieces:
            if isinstance(piece, Finish):
                number += 1
                self._cells[number] = _cells(cells)
            yield piece

    def restore(self, statistics: Statistics, cells: CellCounts) -> None:
        """What was counted of the parts that are there."""
        if self.begun is None:
            return
        _restore(statistics, self.begun.counts)
        saved = self.begun.cells
        cells.neutralised = saved["neutralised"]
        cells.like_null, cells.as_text = Counter(saved["like_null"]), Counter(saved["as_text"])

    def done(self, part: WrittenPart) -> None:
        """A part is durable."""
        self.parts.append(part)
        number = len(self.parts)
        after, counts = self._after.pop(number, None), self._counts.pop(number, None)
        cells = self._cells.pop(number, None)
        if after and counts and cells:
            self.write(Progress(tuple(self.parts), after, counts, cells))

    def _last(self, batch: pa.RecordBatch) -> tuple[str, ...] | None:
        """The sort values of the last row; None where one is null, or beyond what Python's times hold."""
        try:
            values = [batch.column(id)[-1].as_py() for id in self.ids]
        except (ValueError, OverflowError):
            return None
        if None in values:
            return None
        return tuple(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)


def _cells(cells: CellCounts) -> dict[str, Any]:
    return {
        "neutralised": cells.neutralised,
        "like_null": dict(cells.like_null),
        "as_text": dict(cells.as_text),
    }


def _counts(statistics: Statistics) -> dict[str, Any]:
    return {
        "rows": statistics.rows,
        "masked_values": statistics.masked_values,
        "nulls": dict(statistics.nulls),
        "bad_json": dict(statistics.bad_json),
        "values": {
            id: {name: _stated(value) for name, value in vars(measured).items()}
            for id, measured in statistics.measures.by_id.items()
        },
    }


def _restore(statistics: Statistics, counts: dict[str, Any]) -> None:
    statistics.rows = statistics.rows_read = counts["rows"]
    statistics.masked_values = counts["masked_values"]
    statistics.nulls, statistics.bad_json = Counter(counts["nulls"]), Counter(counts["bad_json"])
    for id, values in counts["values"].items():
        for name, value in values.items():
            setattr(statistics.measures.by_id[id], name, _read(value))


def _stated(value: Any) -> Any:
    kind = type(value).__name__
    if kind not in SPELLED:
        return value
    return [kind, str(value) if kind == "Decimal" else value.isoformat()]


def _read(value: Any) -> Any:
    return SPELLED[value[0]](value[1]) if isinstance(value, list) else value
