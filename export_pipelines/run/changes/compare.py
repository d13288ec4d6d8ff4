"""Masked frames of a whole set become the rows that were added, changed or removed since the set before."""

from collections.abc import Callable, Iterable, Iterator

import polars as pl
import pyarrow as pa

from export_pipelines.encode.regroup import Regroup
from export_pipelines.plan.changes import CHANGE, Change
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.run.changes.base_set import BaseSet
from export_pipelines.run.changes.digest_file import DigestFileWriter
from export_pipelines.run.changes.row_digests import RowDigests
from export_pipelines.transform.schema import polars_type

TOGETHER_ROWS = 4_096  # few rows of many frames go on together


class Comparison:
    """Compares the rows of a run with those of `base`, None for a full set. `writer` takes the digests of all rows,
    `on_removed` the keys of those that are gone; `counts` has how many rows of each Change are written."""

    def __init__(
        self,
        columns: Iterable[OutputColumn],
        digests: RowDigests,
        writer: DigestFileWriter,
        base: BaseSet | None,
    ) -> None:
        self.digests, self.writer, self.base = digests, writer, base
        self.counts = dict.fromkeys(Change, 0)
        self.on_removed: Callable[[pa.LargeStringArray], None] = lambda _: None
        self._empty = pl.DataFrame(
            schema={column.id: polars_type(column.kind, column.scale) for column in columns}
        )

    def changes(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The rows to write, of a full set all; the removed ones come last. Then the file of digests is finished. Raises
        DataError for rows that cannot be told apart."""
        if self.base is None:
            yield from map(self._added, frames)
        else:
            yield from _together(self._changed(frames, self.base))
        self.writer.finish()

    def _added(self, frame: pl.DataFrame) -> pl.DataFrame:
        self.writer.add(self.digests.of(frame.drop(CHANGE)))
        self.counts[Change.ADDED] += len(frame)
        return frame

    def _changed(self, frames: Iterable[pl.DataFrame], base: BaseSet) -> Iterator[pl.DataFrame]:
        for frame in frames:
            rows = self.digests.of(frame.drop(CHANGE))
            self.writer.add(rows)
            known, same = base.find(rows)
            changed = known & ~same
            self.counts[Change.CHANGED] += int(changed.sum())
            self.counts[Change.ADDED] += int((~known).sum())
            change = pl.select(
                pl.when(pl.Series(changed))
                .then(pl.lit(Change.CHANGED, pl.String))
                .otherwise(pl.lit(Change.ADDED, pl.String))
            ).to_series()
            yield _alone(frame.with_columns(change.alias(CHANGE)).filter(~same))
        for keys in base.gone():
            self.counts[Change.REMOVED] += len(keys)
            self.on_removed(keys)
            yield self._removed(pl.Series(self.digests.key, keys))

    def _removed(self, keys: pl.Series) -> pl.DataFrame:
        """Rows of which nothing is said but their keys."""
        rows = keys.cast(self._empty.schema[keys.name]).to_frame()
        return pl.concat([self._empty, rows], how="diagonal").with_columns(
            pl.lit(Change.REMOVED, pl.String).alias(CHANGE)
        )


def _alone(frame: pl.DataFrame) -> pl.DataFrame:
    """The same in memory of its own: texts of a filtered frame are those of all rows, of which they hold what is not seen."""
    return pl.DataFrame(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), schema=frame.schema)


def _together(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    regroup = Regroup(TOGETHER_ROWS)
    for frame in frames:
        yield from regroup.push(frame)
    yield from regroup.remainder()
