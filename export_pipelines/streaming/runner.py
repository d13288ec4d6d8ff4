"""Runs one stream: look, read, mask, send, and only then move the cursor; again until somebody ends it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, Literal

from export_pipelines.definition.stream import S3StreamSettings
from export_pipelines.errors import CatalogError, DefinitionError, ExportError, LostLease, RetryableError
from export_pipelines.ledger import Alert
from export_pipelines.ledger.streams import DeadRecord, Lease, Progress, StreamObject, StreamState
from export_pipelines.plan.plan import iso
from export_pipelines.run.observer import Deaf
from export_pipelines.run.stages import Stages
from export_pipelines.streaming.batches import Batch, Masking
from export_pipelines.streaming.counts import Pending, Totals
from export_pipelines.streaming.cursor import Cursor
from export_pipelines.streaming.horizon import Horizon, Rows, Start
from export_pipelines.streaming.manifests import put_manifests
from export_pipelines.streaming.observer import Silent, StreamObserver
from export_pipelines.streaming.pace import Backoff, Pace
from export_pipelines.streaming.prepare import Prepared, StreamContext
from export_pipelines.streaming.sink import Envelope, Intention, Sent, Sink
from export_pipelines.streaming.sinks.open_sink import open_sink

log = logging.getLogger(__name__)

End = Literal["stopped", "paused", "handed over", "caught up"]
Reprepare = Callable[[], Prepared | None]  # None: nothing has changed
CHECK_S = 15.0  # how soon a change of the definition, the catalog or the rights is taken
BEAT_S = 10.0
REST_S = 1.0
LIST_S = 20.0  # how soon an hour that is over gets its manifest


class Runner:
    """One holder of a stream's lease. `reprepare` gives the stream as its files say now; `until_caught_up` ends it when nothing
    is new."""

    def __init__(
        self,
        prepared: Prepared,
        lease: Lease,
        context: StreamContext,
        observer: StreamObserver | None = None,
        reprepare: Reprepare | None = None,
        until_caught_up: bool = False,
    ) -> None:
        self.lease, self.context = lease, context
        self.observer = observer or Silent()
        self.reprepare, self.until_caught_up = reprepare, until_caught_up
        self.stop = threading.Event()
        self.began = self.checked = self.beaten = self.listed = time.monotonic()
        self.totals = Totals()
        self._use(prepared)

    def _use(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self._is_broken = False
        self.horizon: Horizon = prepared.horizon(self.context.source)
        version = self.lease.use_schema(prepared.schema, self.context.now())
        bare = not prepared.stream.envelope
        envelope = Envelope(prepared.definition.name, version, bare)
        self.sink: Sink = open_sink(prepared.plan, prepared.stream.sink, envelope, self.context.resources)

    def run(self, start: Start | None = None) -> End:
        """Returns why it ended; a stream that has never run begins at `start`, by default where its definition says.

        Errors that may pass are waited for. Raises LostLease, RequestError, FatalError; what was not at the sink then comes
        again."""
        backoff = Backoff()
        pace = Pace(self._every())
        try:
            self.horizon.check()
            self.sink.check()
            self._open_cursor(self.lease.state(), start)
            while True:
                if end := self._end(self.lease.state()):
                    return end
                try:
                    if self._is_broken:
                        self._use(self.prepared)
                    self._take_changes()
                    moved = self._step()
                    if moved:
                        pace.busy(self._is_behind)
                    elif self.until_caught_up:
                        return "caught up"
                    else:
                        self._idle()
                        pace.idle()
                    backoff.reset()
                    seconds = pace.seconds()
                except RetryableError as error:
                    if isinstance(error, LostLease):
                        raise
                    seconds = backoff.next(error.after_s)
                    self._wait_after(error, seconds)
                self._rest(seconds)
        finally:
            self._close()

    def _rest(self, seconds: float) -> None:
        """Waits, but no longer than until somebody wants the stream to end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.stop.wait(min(left, REST_S)) or (left > REST_S and self._end(self.lease.state())):
                return

    def _every(self) -> float | None:
        sink = self.prepared.stream.sink
        return sink.every if isinstance(sink, S3StreamSettings) else None

    def _end(self, state: StreamState) -> End | None:
        if self.stop.is_set():
            return "stopped"
        if state.paused_at is not None:
            return "paused"
        return "handed over" if state.wanted_by is not None else None

    def _open_cursor(self, state: StreamState, start: Start | None) -> None:
        mechanism, table = self.prepared.mechanism.name, self.prepared.plan.extract.table
        name = self.prepared.definition.name
        self.sequence, self.newest = state.sequence, state.newest
        self.intentions = list(state.intentions)
        if state.cursor is None:
            position = self.horizon.begin(start or self.prepared.start)
            self.cursor = Cursor(mechanism, table, position)
            self.lease.begin(self.cursor.stored(), self.context.now())
            log.info("stream began", extra={"export": name, "mechanism": mechanism})
        else:
            self.cursor = Cursor.read(state.cursor, name)
            self.cursor.require_same(mechanism, table, name)
            self.horizon.passed(self.cursor.position)

    def _step(self) -> bool:
        """One span, or what is left of it; False where nothing is new."""
        self._is_behind = False
        if self.intentions and not self._resolve():
            self.intentions = []
        cursor = self.cursor
        if cursor.span is None:
            span = self.horizon.look(cursor.position)
            if span is None:
                return False
            cursor = self.cursor = cursor.within(span, self.context.now())
            self.lease.begin(cursor.stored(), self.context.now())
        self._send(cursor)
        return True

    def _resolve(self) -> bool:
        """Finds a commit that was not seen to end, and goes on behind it."""
        sent = self.sink.resolve([intention["sink"] for intention in self.intentions])
        if sent is None:
            return False
        intention = next(item for item in self.intentions if item["sink"] == dict(sent))
        name = self.prepared.definition.name
        self.cursor = Cursor.read(intention["cursor"], name)
        self.sequence = intention["sequence"]
        stored = self._stored(sent, self.context.now())
        grown = {"sent": sent["rows"], "bytes": sent["bytes"], "batches": 1}
        progress = Progress(self.cursor.stored(), self.sequence, grown, None, stored)
        self.lease.advance(progress, self.context.now())
        self.intentions = []
        log.info("a commit was at the sink already", extra={"export": name, "sequence": self.sequence})
        return True

    def _send(self, cursor: Cursor) -> None:
        assert cursor.span is not None and cursor.emitted_at is not None
        plan = self.prepared.plan
        masking = Masking(plan, self.context.keys, self.prepared.row_id, self.newest)
        stages = Stages(Deaf())
        rows = stages.add("extract", self.horizon.read(cursor.span, cursor.after), _size_of_rows)
        masked = masking.batches(rows, self.sequence, cursor.emitted_at)
        shown = stages.add("mask", masked, _size_of_batch)
        pending = Pending(self.sequence, self.newest)
        with closing(stages.run(shown)) as batches:
            for batch in batches:
                pending.add(batch)
                for part in batch.shown:
                    self.sink.add(part)
                last = batch.last
                del batch, part  # while the next one is awaited
                if self.sink.is_full:
                    self._is_behind = True
                    self._commit(pending, cursor.behind(last))
                    pending = Pending(self.sequence, self.newest)
                    if self._end(self.lease.state()):
                        return
        self._commit(pending, self.cursor.done())
        self.horizon.passed(self.cursor.position)
        self._list_objects()

    def _commit(self, pending: "Pending", behind: Cursor) -> None:
        """Brings the batch to the sink, and moves the cursor `behind` it."""

        def intend(intention: Intention) -> None:
            self.intentions.append(
                {"sink": dict(intention), "cursor": behind.stored(), "sequence": pending.sequence}
            )
            self.lease.intend(self.intentions, self.context.now())

        self.lease.state()  # whoever has lost the lease sends nothing
        sent = self.sink.commit(intend) if pending.rows else Sent(0, 0)
        at = self.context.now()
        records = [
            DeadRecord(letter.sequence, letter.id, letter.reason, at)
            for letter in (*pending.dead, *sent.dead)
        ]
        grown = {
            "sent": sent.rows,
            "bytes": sent.bytes,
            "batches": 1 if sent.rows else 0,
            "doubtful": sent.doubtful,
            "late": pending.late,
        }
        stored = self._stored(self.intentions[-1]["sink"], at) if sent.place else None
        self.lease.advance(
            Progress(behind.stored(), pending.sequence, grown, pending.newest, stored, records), at
        )
        self.cursor, self.sequence, self.newest = behind, pending.sequence, pending.newest
        self.intentions = []
        self.beaten = time.monotonic()
        self._alert_of(records)
        self.totals.add(grown, len(records))
        self._tell()

    def _stored(self, intention: Mapping[str, Any], at: Any) -> StreamObject | None:
        if "key" not in intention:
            return None
        return StreamObject(
            place=intention["key"],
            first_sequence=intention["first"],
            last_sequence=intention["last"],
            rows=intention["rows"],
            bytes=intention["bytes"],
            sha256=intention["sha256"],
            at=at,
        )

    def _idle(self) -> None:
        self._tell()
        if time.monotonic() - self.beaten >= BEAT_S:
            self.beaten = time.monotonic()
            self.lease.beat(self.context.now())
        self._list_objects()

    def _list_objects(self) -> None:
        """Between two spans, so that no object comes into an hour that is over."""
        if time.monotonic() - self.listed >= LIST_S:
            self.listed = time.monotonic()
            put_manifests(self.lease, self.sink, self.context.now())

    def _take_changes(self) -> None:
        """At a batch's end the stream goes on as its files say now. A file that cannot be read leaves it as it is; rights that
        were taken away end it."""
        if self.reprepare is None or time.monotonic() - self.checked < CHECK_S:
            return
        self.checked = time.monotonic()
        try:
            prepared = self.reprepare()
        except (DefinitionError, CatalogError) as error:
            if error.is_refusal:
                raise
            self._note(error)
            return
        if prepared is None or self._is_same(prepared):
            return
        name = prepared.definition.name
        self.cursor.require_same(prepared.mechanism.name, prepared.plan.extract.table, name)
        log.info("the definition has changed", extra={"export": name})
        self._close()
        self._use(prepared)

    def _is_same(self, prepared: Prepared) -> bool:
        return prepared.plan == self.prepared.plan and prepared.stream == self.prepared.stream

    def _wait_after(self, error: RetryableError, seconds: float) -> None:
        """What the sink holds of a batch is dropped with it; the rows come again."""
        if not self._is_broken:
            self._close()
            self._is_broken = True
        self.observer.waiting(error, seconds)
        log.warning("the stream waits", extra={"export": self.prepared.definition.name, "seconds": seconds})
        self._note(error)

    def _note(self, error: ExportError) -> None:
        with suppress(RetryableError):
            self.lease.note_error(str(error), self.context.now())

    def _alert_of(self, dead: Sequence[DeadRecord]) -> None:
        if not dead:
            return
        name, at = self.prepared.definition.name, dead[0].at
        self.context.ledger.notice(
            Alert(
                key=f"stream:{name}:dead:{iso(at)[:13]}",  # at most one an hour
                export=name,
                kind="anomaly",
                text=f"records of the stream could not be sent, the first one {dead[0].id}: {dead[0].reason}",
                then=f"export-pipelines stream dead-letters {name}",
                noticed_at=at,
            )
        )

    def _tell(self) -> None:
        self.observer.progress(
            self.totals.progress(time.monotonic() - self.began, self.sequence, self.newest)
        )

    def _close(self) -> None:
        self.horizon.close()
        self.sink.close()


def _size_of_rows(rows: Rows) -> tuple[int, int]:
    return rows.batch.num_rows, rows.batch.nbytes


def _size_of_batch(batch: Batch) -> tuple[int, int]:
    return batch.rows, 0
