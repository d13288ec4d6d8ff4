"""What a stream sends: rows are read and masked into the sink's batch, and the cursor moves behind each batch that is there."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from export_pipelines.definition.stream import S3StreamSettings
from export_pipelines.errors import RequestError
from export_pipelines.ledger import Alert
from export_pipelines.ledger.streams import DeadRecord, Lease, Progress, StreamObject, StreamState
from export_pipelines.plan.plan import iso
from export_pipelines.run.observer import Deaf
from export_pipelines.run.stages import Stages
from export_pipelines.streaming.batches import Batch, Masking
from export_pipelines.streaming.counts import Pending, Totals
from export_pipelines.streaming.cursor import Cursor
from export_pipelines.streaming.horizon import Horizon, Keep, Position, RowKey, Rows, Start
from export_pipelines.streaming.pace import LookResult
from export_pipelines.streaming.prepare import Prepared, StreamContext
from export_pipelines.streaming.sink import Envelope, Intention, Sent, Sink
from export_pipelines.streaming.sinks.open_sink import open_sink

log = logging.getLogger(__name__)


class Sender:
    """One stream as its files say at a time. `cursor` is how far rows were read, and is stored once they are at the sink; `pending`
    counts those that are not. `may_go_on` is asked after each batch."""

    def __init__(
        self, prepared: Prepared, lease: Lease, context: StreamContext, may_go_on: Callable[[], bool]
    ) -> None:
        self.prepared, self.lease, self.context, self.may_go_on = prepared, lease, context, may_go_on
        self.horizon: Horizon = prepared.horizon(context.source)
        version = lease.use_schema(prepared.schema, context.now())
        if prepared.replay:  # its records are those of the stream
            version = max(context.streams.state(prepared.definition.name).schema_version, 1)
        bare = not prepared.stream.envelope
        envelope = Envelope(prepared.definition.name, version, bare, prepared.name)
        self.sink: Sink = open_sink(prepared.plan, prepared.stream.sink, envelope, context.resources)
        self.cursor: Cursor
        settings = prepared.stream.sink
        self.every = settings.every if isinstance(settings, S3StreamSettings) else 0.0

    def begin(self, start: Start | None, totals: Totals) -> None:
        """From the stored cursor; a stream that has none begins at `start`, by default where its definition says. `totals`
        counts what is sent."""
        self.totals = totals
        self.sink.drop()
        self.horizon.check()
        self.sink.check()
        state = self.lease.state()
        self._read(state)
        name = self.prepared.name
        if state.cursor is None:
            keep = None if self.prepared.replay else Keep(name, self._begin_at)
            self._begin_at(self.horizon.begin(start or self.prepared.start, keep))
            log.info("stream began", extra={"export": name, "mechanism": self.cursor.mechanism})
        else:
            self.cursor = Cursor.read(state.cursor, name)
            self.cursor.require_same(self.prepared.mechanism.name, self.prepared.plan.extract.table, name)
            if self.intentions:
                self._resolve()
            self.horizon.passed(self.cursor.position)

    def restart(self, start: Start, release: Callable[[Position], object]) -> None:
        """Begins anew at `start`, whatever the cursor says, which is given up: `release` gets its position. Sequences go on;
        those of a commit that was not seen to end are left out. Raises RetryableError where the source needs more time, and
        the stream then begins when it runs."""
        self.sink.drop()
        self.horizon.check()
        self.sink.check()
        state = self.lease.state()
        self._read(state)
        if state.cursor is not None:
            self.cursor = Cursor.read(state.cursor, self.prepared.name)
            if self.intentions:
                self._resolve()
            release(self.cursor.position)
        sequence = max([self.pending.sequence, *(item["sequence"] for item in self.intentions)])

        def begin_at(position: Position) -> None:
            self.cursor = Cursor(self.prepared.mechanism.name, self.prepared.plan.extract.table, position)
            self.lease.advance(Progress(self.cursor.stored(), sequence), self.context.now())

        begin_at(self.horizon.begin(start, Keep(self.prepared.name, begin_at)))

    def _begin_at(self, position: Position) -> None:
        """The cursor of a stream that has none."""
        self.cursor = Cursor(self.prepared.mechanism.name, self.prepared.plan.extract.table, position)
        self.lease.begin(self.cursor.stored(), self.context.now())

    def _read(self, state: StreamState) -> None:
        self.intentions = list(state.intentions)
        self.pending = Pending(state.sequence, state.newest)

    def step(self) -> LookResult:
        """Looks once, and adds what is new to the batch, or what is left of a span. Commits full batches, and those whose time
        has come."""
        cursor = self.cursor
        is_resumed = cursor.span is not None
        if cursor.span is None:
            span = self.horizon.look(cursor.position)
            if span is not None:
                cursor = self.cursor = cursor.within(span, self.context.now())
                if self.pending.is_empty:  # so that a killed commit finds the same rows again
                    self.lease.begin(cursor.stored(), self.context.now())
        if cursor.span is not None:
            self._add(cursor)
        if not self.pending.is_empty and time.monotonic() - self.pending.since >= self.every:
            self.commit()
        if cursor.span is None:
            return "nothing"
        is_whole = self.cursor.span is None and not is_resumed and not cursor.span.more
        return "rows" if is_whole else "more"

    def _add(self, cursor: Cursor) -> None:
        """Adds the rows of the cursor's span; ends early where the stream may not go on."""
        assert cursor.span is not None and cursor.emitted_at is not None
        masking = Masking(self.prepared.plan, self.context.keys, self.prepared.row_id, self.pending.newest)
        stages = Stages(Deaf())
        reads = stages.add("extract", self.horizon.read(cursor.span, cursor.after), _size_of_rows)
        masked = masking.batches(reads, self.pending.sequence, cursor.emitted_at)
        shown = stages.add("mask", masked, _size_of_batch)
        with closing(stages.run(shown)) as batches:
            while (last := self._add_next(batches)) is not None:
                self.cursor = cursor.behind(last)
                if self.sink.is_full:
                    self.commit()
                    if not self.may_go_on():
                        return
        self.cursor = self.cursor.done()

    def _add_next(self, batches: Iterator[Batch]) -> RowKey | None:
        """The key of the last row; nothing of the batch is kept here while the next one is awaited."""
        batch = next(batches, None)
        if batch is None:
            return None
        self.pending.add(batch)
        for part in batch.shown:
            self.sink.add(part)
        return batch.last

    def commit(self) -> None:
        """Brings the batch to the sink, and stores the cursor behind it."""
        pending, behind = self.pending, self.cursor

        def intend(intention: Intention) -> None:
            self.intentions.append(
                {
                    "sink": dict(intention),
                    "to": self._place,
                    "cursor": behind.stored(),
                    "sequence": pending.sequence,
                    "late": pending.late,
                    "newest": iso(pending.newest) if pending.newest else None,
                    "dead": [[lost.sequence, lost.id, lost.reason] for lost in pending.dead],
                }
            )
            self.lease.intend(self.intentions, self.context.now())

        self.lease.state()  # whoever has lost the lease sends nothing
        sent = self.sink.commit(intend) if pending.rows else Sent(0, 0)
        at = self.context.now()
        dead = [DeadRecord(lost.sequence, lost.id, lost.reason, at) for lost in (*pending.dead, *sent.dead)]
        grown = {
            "sent": sent.rows,
            "bytes": sent.bytes,
            "batches": 1 if sent.rows else 0,
            "doubtful": sent.doubtful,
            "late": pending.late,
        }
        stored = _object_of(self.intentions[-1]["sink"], at) if sent.place else None
        self._advance(behind, pending.sequence, grown, pending.newest, stored, dead)
        self.totals.add(grown, len(dead))

    def keep_cursor(self) -> None:
        """Stores how far rows were looked at where none of them is to be sent."""
        if self.pending.is_empty:
            self.lease.begin(self.cursor.stored(), self.context.now())
            self._passed()

    def _advance(
        self,
        behind: Cursor,
        sequence: int,
        grown: Mapping[str, int],
        newest: datetime | None,
        stored: StreamObject | None,
        dead: Sequence[DeadRecord] = (),
    ) -> None:
        alert = self._alert_of(dead) if dead else None
        progress = Progress(behind.stored(), sequence, grown, newest, stored, dead, alert)
        self.lease.advance(progress, self.context.now())
        self.cursor, self.intentions = behind, []
        self.pending = Pending(sequence, newest)
        self._passed()

    def _passed(self) -> None:
        is_own = self.cursor.mechanism == self.prepared.mechanism.name  # else it is about to be given up
        if self.cursor.span is None and is_own:
            self.horizon.passed(self.cursor.position)

    def _resolve(self) -> None:
        """Goes on behind a commit that was not seen to end, where it did reach the sink."""
        if any(intention["to"] != self._place for intention in self.intentions):
            raise RequestError(
                "the sink was changed while an object was on its way, and nobody can tell whether it arrived",
                where=self.prepared.definition.at("stream"),
                remedy="put the sink back as it was, run the stream for a moment, and change it then",
            )
        arrived = self.sink.resolve([intention["sink"] for intention in self.intentions])
        if arrived is None:
            return
        intention = next(item for item in self.intentions if item["sink"] == dict(arrived))
        name, at = self.prepared.name, self.context.now()
        grown = {"sent": arrived["rows"], "bytes": arrived["bytes"], "batches": 1, "late": intention["late"]}
        newest = datetime.fromisoformat(intention["newest"]) if intention["newest"] else None
        dead = [DeadRecord(sequence, id, reason, at) for sequence, id, reason in intention["dead"]]
        behind = Cursor.read(intention["cursor"], name)
        self._advance(behind, intention["sequence"], grown, newest, _object_of(arrived, at), dead)
        log.info(
            "a commit was at the sink already", extra={"export": name, "sequence": self.pending.sequence}
        )

    def alert_of_source(self) -> Alert | None:
        """What a person should know of the source now, as the stored cursor stands. Raises RequestError, SourceError."""
        stored, name, at = self.lease.state().cursor, self.prepared.name, self.context.now()
        text = self.horizon.warning(Cursor.read(stored, name).position) if stored else None
        if text is None:
            return None
        return Alert(
            key=f"stream:{name}:source:{iso(at)[:13]}",  # at most one an hour
            export=self.prepared.definition.name,
            kind="anomaly",
            text=text,
            then="export-pipelines stream slots",
            noticed_at=at,
        )

    def _alert_of(self, dead: Sequence[DeadRecord]) -> Alert:
        name, at = self.prepared.name, dead[0].at
        return Alert(
            key=f"stream:{name}:dead:{iso(at)[:13]}",  # at most one an hour
            export=self.prepared.definition.name,
            kind="anomaly",
            text=f"records of the stream could not be sent, the first one {dead[0].id}: {dead[0].reason}",
            then=f"export-pipelines stream dead-letters {name}",
            noticed_at=at,
        )

    @property
    def latest(self) -> datetime:
        """The time of the newest object there may be."""
        return self.cursor.emitted_at or self.context.now()

    @property
    def _place(self) -> str:
        """A digest of the sink's settings."""
        return hashlib.sha256(self.prepared.stream.sink.model_dump_json().encode()).hexdigest()

    def close(self) -> None:
        """The rows that are not at the sink come again."""
        self.horizon.close()
        self.sink.close()


def _object_of(intention: Mapping[str, Any], at: datetime) -> StreamObject:
    return StreamObject(
        place=intention["key"],
        first_sequence=intention["first"],
        last_sequence=intention["last"],
        rows=intention["rows"],
        bytes=intention["bytes"],
        sha256=intention["sha256"],
        at=at,
    )


def _size_of_rows(rows: Rows) -> tuple[int, int]:
    return rows.batch.num_rows, rows.batch.nbytes


def _size_of_batch(batch: Batch) -> tuple[int, int]:
    return batch.rows, 0
