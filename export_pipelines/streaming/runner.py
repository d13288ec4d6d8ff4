"""Runs one stream: look, read, mask, send, and only then move the cursor; again until somebody ends it."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from export_pipelines.errors import (
    CatalogError,
    DefinitionError,
    ExportError,
    FatalError,
    LostLease,
    RequestError,
    RetryableError,
    SourceError,
)
from export_pipelines.ledger.streams import Lease
from export_pipelines.streaming.counts import Totals
from export_pipelines.streaming.horizon import Start
from export_pipelines.streaming.manifests import put_manifests
from export_pipelines.streaming.observer import Silent, StreamObserver
from export_pipelines.streaming.pace import Backoff, Pace
from export_pipelines.streaming.prepare import Prepared, StreamContext
from export_pipelines.streaming.sender import Sender

log = logging.getLogger(__name__)

End = Literal["stopped", "paused", "handed over", "caught up"]
Reprepare = Callable[[], Prepared | None]  # None: nothing has changed
CHECK_S = 15.0  # how soon a change of the definition, the catalog or the rights is taken
BEAT_S = 10.0
LIST_S = 20.0  # how soon an hour that is over gets its manifest
LOOK_S = 1.0  # how soon a wish to end is seen


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
        self.prepared, self.lease, self.context = prepared, lease, context
        self.observer = observer or Silent()
        self.reprepare, self.until_caught_up = reprepare, until_caught_up
        self.stop = threading.Event()
        self.began = self.checked = self.beaten = self.listed = time.monotonic()
        self.totals = Totals()
        self.start: Start | None = None
        self.sender: Sender | None = None
        self.is_begun = False
        self.fault: ExportError | None = None  # of the files, while the stream goes on as they were

    def run(self, start: Start | None = None) -> End:
        """Returns why it ended; a stream that has never run begins at `start`, by default where its definition says.

        Errors that may pass are waited for. Raises LostLease, RequestError, FatalError; what was not at the sink then comes
        again."""
        self.start = start
        backoff, pace = Backoff(), Pace()
        try:
            while True:
                if not self.is_begun and (end := self._end()):  # also while source or sink are away
                    return end
                try:
                    sender = self._sender()
                    if end := self._end():
                        self._flush()
                        return end
                    result = sender.step()
                    if result != "more" and self.until_caught_up:
                        self._flush()
                        return "caught up"
                    self._between(sender)
                    backoff.reset()
                    seconds = pace.after(result)
                except RetryableError as error:
                    if isinstance(error, LostLease):
                        raise
                    seconds = backoff.next(error.after_s)
                    self._wait_after(error, seconds)
                except (RequestError, FatalError) as error:  # for `status`, since nobody may have seen it end
                    self._note(error)
                    raise
                self._pause_for(seconds)
        finally:
            self._close()

    def _sender(self) -> Sender:
        """That of the stream as its files say now."""
        self._take_changes()
        if self.sender is None:
            self.sender = Sender(self.prepared, self.lease, self.context, self._may_go_on)
            self.is_begun = False
        if not self.is_begun:
            self.sender.begin(self.start, self.totals)
            self.is_begun = True
        return self.sender

    def _may_go_on(self) -> bool:
        """Within a span, which may last for hours."""
        return self._end() is None and not self._is_check_due()

    def _is_check_due(self) -> bool:
        return self.reprepare is not None and time.monotonic() - self.checked >= CHECK_S

    def _end(self) -> End | None:
        """Why the stream is to end here, if it is. Raises LostLease."""
        state = self.lease.state()
        if self.stop.is_set():
            return "stopped"
        if state.paused_at is not None:
            return "paused"
        return "handed over" if state.wanted_by is not None else None

    def _flush(self) -> None:
        """What is in the batch is sent before the stream ends."""
        if self.sender is not None and self.is_begun and not self.sender.pending.is_empty:
            self.sender.commit()
        self._tell()

    def _between(self, sender: Sender) -> None:
        """Between two looks."""
        self._tell()
        now = time.monotonic()
        if now - self.beaten >= BEAT_S:
            self.beaten = now
            sender.keep_cursor()
            self.lease.beat(self.context.now())
            if self.fault is not None:
                self._note(self.fault)
            self._watch_source(sender)
        if now - self.listed >= LIST_S and sender.pending.is_empty:
            self.listed = now
            self._list_objects(sender)

    def _watch_source(self, sender: Sender) -> None:
        if alert := sender.alert_of_source():
            self.lease.alert(alert)
            self.lease.note_error(alert.text, alert.noticed_at)

    def _list_objects(self, sender: Sender) -> None:
        """A manifest that cannot be put keeps no record back."""
        try:
            put_manifests(self.lease, sender.sink, max(self.context.now(), sender.latest))
        except FatalError as error:
            log.warning("a manifest could not be put", extra={"export": self.prepared.name})
            self._note(error)

    def _pause_for(self, seconds: float) -> None:
        """Waits, but no longer than until somebody wants the stream to end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.stop.wait(min(left, LOOK_S)) or (left > LOOK_S and self._end()):
                return

    def _take_changes(self) -> None:
        """The stream goes on as its files say now, after the batch in hand. A file that cannot be read leaves it as it is;
        rights that were taken away end it."""
        if self.reprepare is None or not self._is_check_due():
            return
        self.checked = time.monotonic()
        try:
            prepared = self.reprepare()
        except (DefinitionError, CatalogError) as error:
            if error.is_refusal:
                raise
            self.fault = error
            self._note(error)
            return
        if prepared is None:
            return
        self.fault = None
        if self._is_same(prepared):
            return
        log.info("the definition has changed", extra={"export": prepared.name})
        try:
            self._flush()
        finally:  # what was not sent then comes again, as the files say now
            self._close()
            self.prepared = prepared

    def _is_same(self, prepared: Prepared) -> bool:
        return prepared.plan == self.prepared.plan and prepared.stream == self.prepared.stream

    def _wait_after(self, error: RetryableError, seconds: float) -> None:
        """The stream then begins anew at the stored cursor: the rows of the batch in hand come again."""
        self.is_begun = False
        self.observer.waiting(error, seconds)
        log.warning("the stream waits", extra={"export": self.prepared.name, "seconds": seconds})
        self._note(error)
        if self.sender is not None:
            with suppress(RetryableError, SourceError):  # the source may be what is away
                self._watch_source(self.sender)

    def _note(self, error: ExportError) -> None:
        with suppress(RetryableError):
            self.lease.note_error(str(error), self.context.now())

    def _tell(self) -> None:
        if self.sender is not None and self.is_begun:
            pending = self.sender.pending
            seconds = time.monotonic() - self.began
            self.observer.progress(self.totals.progress(seconds, pending.sequence, pending.newest))

    def _close(self) -> None:
        sender, self.sender = self.sender, None
        if sender is not None:
            sender.close()
