"""From rows of the source to rows that may be shown; a row that cannot be is a dead letter, and the others go on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa

from export_pipelines import mask
from export_pipelines.encode.encoders import require_fitting
from export_pipelines.errors import DataError
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan
from export_pipelines.streaming.horizon import RowKey, Rows
from export_pipelines.streaming.sink import DeadLetter, Shown
from export_pipelines.transform.casts import conform


@dataclass(frozen=True)
class Batch:
    """What became of the rows of one read: each row is in `shown` or in `dead`, and `sequence` is that of the next row.
    `newest` is the latest time of a row so far; `late` rows are older than one in a batch before."""

    shown: tuple[Shown, ...]
    dead: tuple[DeadLetter, ...]
    sequence: int
    last: RowKey
    newest: datetime | None
    late: int

    @property
    def rows(self) -> int:
        return sum(len(shown.ids) for shown in self.shown)


class Masking:
    """The masks of a `plan` over batch after batch; `row_id` is the field that tells rows apart."""

    def __init__(self, plan: Plan, keys: Keys, row_id: str, newest: datetime | None) -> None:
        self.plan, self.keys, self.row_id = plan, keys.of_plan(plan.masking.key_ids), row_id
        self.newest = newest
        window = plan.extract.window_field
        self.time = next((column for column in plan.query.columns if column.name == window), None)

    def batches(self, reads: Iterable[Rows], sequence: int, emitted_at: datetime) -> Iterator[Batch]:
        """The first row gets the number `sequence`."""
        for rows in reads:
            ids = pl.Series("", rows.batch.column(self.row_id).cast(pa.string()), pl.String)
            shown, dead = [], []
            for start, frame, reason in self._pieces(rows.batch, 0):
                if frame is None:
                    dead.append(DeadLetter(ids[start], sequence + start, reason))
                else:
                    part = ids.slice(start, len(frame))
                    shown.append(Shown(frame, part, sequence + start, emitted_at))
            late = self._late(rows.batch)
            sequence += rows.batch.num_rows
            yield Batch(tuple(shown), tuple(dead), sequence, rows.last, self.newest, late)

    def _pieces(self, batch: pa.RecordBatch, start: int) -> Iterator[tuple[int, pl.DataFrame | None, str]]:
        """The masked rows in pieces around those that cannot be shown, each of which is a piece with a reason."""
        if not batch.num_rows:
            return
        try:
            frame = mask.apply(self.plan, batch, self.keys).frame
            require_fitting(self.plan, frame, batch)
        except DataError as error:
            if batch.num_rows == 1:
                yield start, None, error.what
                return
            half = batch.num_rows // 2
            yield from self._pieces(batch.slice(0, half), start)
            yield from self._pieces(batch.slice(half), start + half)
        else:
            yield start, frame, ""

    def _late(self, batch: pa.RecordBatch) -> int:
        """How many rows are older than the newest before this batch, which then is that of this batch."""
        if self.time is None or not batch.num_rows:
            return 0
        only = pa.RecordBatch.from_arrays([batch.column(self.time.name)], names=[self.time.name])
        try:
            times = conform(only, (self.time,))[self.time.name].drop_nulls()
        except DataError:
            return 0  # the row is a dead letter
        before, newest = self.newest, times.max()
        if isinstance(newest, datetime):
            self.newest = newest if before is None else max(before, newest)
        return int((times < before).sum()) if before is not None else 0
