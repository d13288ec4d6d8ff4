"""A sink of records: each row is one of its own, at least once, named by its id and sequence."""

from collections.abc import Sequence

import polars as pl

from export_pipelines.streaming.records import Records
from export_pipelines.streaming.sink import DeadLetter, Intend, Intention, Sent, Shown
from export_pipelines.streaming.sinks.sending import Batch, Sending, Service, Tally

LONGEST_KEY = 256  # characters
BATCH_RECORDS, BATCH_BYTES = 10_000, 16 << 20  # of a batch that is worth its commit


class RecordSink:
    """The Sink of a `service`. `line_end` is put behind each record; `has_keys`: the key counts against the record's size.

    What a failed commit has stored is not sent again when its rows come back, as long as this sink lives; what it may have
    stored counts as doubtful then.
    """

    def __init__(self, service: Service, records: Records, *, line_end: bytes, has_keys: bool) -> None:
        self.service, self.records = service, records
        self.line_end, self.has_keys = line_end, has_keys
        self.sending = Sending(service)
        self._batch = Batch()
        self._dead: list[DeadLetter] = []
        self._bytes = 0
        self._before = Tally()  # of commits that failed since the last that did not

    def check(self) -> None:
        self.service.check()

    def add(self, rows: Shown) -> None:
        frame = self.records.frame(rows).with_columns(
            pl.concat_str("text", pl.lit(self.line_end.decode())).cast(pl.Binary).alias("data")
        )
        key_bytes = pl.col("key").str.len_bytes() if self.has_keys else pl.lit(0)
        frame = frame.with_columns((pl.col("data").bin.size() + key_bytes).alias("size")).with_columns(
            self._fault().alias("fault")
        )
        dead = frame.filter(pl.col("fault").is_not_null()).select("id", "sequence", "fault")
        self._dead += (DeadLetter(*row) for row in dead.iter_rows())
        alive = frame.filter(pl.col("fault").is_null())
        self._batch.ids += alive["id"].to_list()
        self._batch.sequences += alive["sequence"].to_list()
        self._batch.keys += alive["key"].to_list()
        self._batch.data += alive["data"].to_list()
        self._batch.sizes += alive["size"].to_list()
        self._bytes += int(alive["size"].sum())

    def _fault(self) -> pl.Expr:
        """Why the service can never take a record, null where it can; without a value of it."""
        limit, length = self.service.limits.record_bytes, pl.col("key").str.len_chars()
        too_large = f"the record has {{}} bytes, more than the {limit} that the stream takes"
        too_long = f"the partition key has {{}} characters, more than {LONGEST_KEY}"
        return (
            pl.when(pl.col("size") > limit)
            .then(pl.format(too_large, "size"))
            .when(pl.lit(self.has_keys) & (length == 0))
            .then(pl.lit("the partition key is empty"))
            .when(pl.lit(self.has_keys) & (length > LONGEST_KEY))
            .then(pl.format(too_long, length))
            .otherwise(pl.lit(None, pl.String))
        )

    @property
    def is_full(self) -> bool:
        return len(self._batch) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES

    def commit(self, intend: Intend) -> Sent:
        batch, dead, size = self._batch, tuple(self._dead), self._bytes
        self.drop()
        tally, tally.retried = self._before, 0
        self.sending.send(batch, tally)  # what it stored before an error is known to the next commit
        self._before = tally.behind(batch.sequences[-1]) if batch.sequences else tally
        doubtful = len(tally.doubtful.intersection(zip(batch.sequences, batch.ids, strict=True)))
        return Sent(len(batch), size, doubtful, tally.retried, dead)

    def drop(self) -> None:
        self._batch, self._dead, self._bytes = Batch(), [], 0

    def resolve(self, intentions: Sequence[Intention]) -> Intention | None:
        """None: a service of records cannot be asked what it has."""
        return None

    def close(self) -> None:
        self.sending.close()
        self.service.close()
