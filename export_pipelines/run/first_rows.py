"""The first rows that the source gave, kept aside for whoever shows them."""

from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa


class FirstRows:
    """At most `most` rows of what goes through `passed`, in `batches`."""

    def __init__(self, most: int) -> None:
        self.missing = most
        self.batches: list[pa.RecordBatch] = []

    def passed(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches as they are. Closes `batches`."""
        reading = iter(batches)
        try:
            for batch in reading:
                if self.missing > 0 and batch.num_rows:
                    rows = pl.int_range(min(self.missing, batch.num_rows), dtype=pl.Int32, eager=True)
                    self.batches.append(batch.take(rows.to_arrow()))  # a slice would hold all of it
                    self.missing -= len(rows)
                yield batch
                del batch
        finally:
            close = getattr(reading, "close", None)
            if close:
                close()


def joined(first: Iterable[FirstRows]) -> list[pa.RecordBatch]:
    """The rows of all: a batch of few rows takes as long to mask as one of many."""
    batches = [batch for rows in first for batch in rows.batches]
    return [pa.concat_batches(batches)] if batches else []
