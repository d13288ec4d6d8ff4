"""The first rows that the source gave, kept aside for whoever shows them."""

from collections.abc import Iterable, Iterator

import pyarrow as pa


class FirstRows:
    """At most `most` rows of what goes through `passed`; `number` of them have come. They are kept as streams of Arrow's, which
    take a tenth of the memory of as many buffers as they have columns: a run keeps the rows of all its windows."""

    def __init__(self, most: int) -> None:
        self.number, self._most = 0, most
        self._streams: list[pa.Buffer] = []

    @property
    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as they were read."""
        for stream in self._streams:
            yield from pa.ipc.open_stream(stream)

    def passed(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches as they are. Closes `batches`."""
        reading = iter(batches)
        try:
            for batch in reading:
                if self.number < self._most and batch.num_rows:
                    self._keep(batch.slice(0, self._most - self.number))
                yield batch
                del batch
        finally:
            close = getattr(reading, "close", None)
            if close:
                close()

    def _keep(self, rows: pa.RecordBatch) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_batch(rows)
        self._streams.append(sink.getvalue())
        self.number += rows.num_rows


def joined(first: Iterable[FirstRows]) -> list[pa.RecordBatch]:
    """The rows of all: a batch of few rows takes as long to mask as one of many."""
    batches = [batch for rows in first for batch in rows.batches]
    return [pa.concat_batches(batches)] if batches else []
