"""Records leave in calls of many: within the limits of a service, in order by key, again where they failed."""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event
from typing import NamedTuple, Protocol

from export_pipelines.errors import RetryableError
from export_pipelines.streaming.sinks.answers import Answer
from export_pipelines.streaming.sinks.pace import PATIENCE_S, Backoff, Pace, Rate

log = logging.getLogger(__name__)


class Record(NamedTuple):
    """One record, whose `size` counts against the limits. Records of one key arrive in the order of their sequence."""

    id: str
    sequence: int
    key: str
    data: bytes
    size: int

    @property
    def name(self) -> tuple[int, str]:
        """By which doubles are told."""
        return self.sequence, self.id


@dataclass(frozen=True)
class Limits:
    """Of one call, and of one record, in bytes as the service counts them."""

    records: int
    bytes: int
    record_bytes: int


class Service(Protocol):
    """A service that takes records in calls of many.

    where:  its name in errors.
    remedy: what helps against throttling.
    put:    one call. Raises RequestError for what no later call can mend.
    rate:   what the stream takes in a second, None where nobody knows.
    """

    where: str
    remedy: str
    limits: Limits

    def check(self) -> None: ...

    def put(self, records: Sequence[Record]) -> Answer: ...

    def rate(self) -> Rate | None: ...

    def close(self) -> None: ...


@dataclass
class Tally:
    """What became of the records of one batch so far, by their names. `retried` counts records that were sent again."""

    stored: set[tuple[int, str]] = field(default_factory=set)
    doubtful: set[tuple[int, str]] = field(default_factory=set)
    retried: int = 0

    def behind(self, sequence: int) -> "Tally":
        """What is known of later records, which a commit that failed has sent as well."""
        return Tally(
            {name for name in self.stored if name[0] > sequence},
            {name for name in self.doubtful if name[0] > sequence},
        )


class Sending:
    """One call at a time. A call holds at most one record of each key: the service may refuse any record of a call and
    take those behind it, which would be out of order."""

    def __init__(
        self,
        service: Service,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self.service, self.patience_s, self.clock = service, patience_s, clock
        self.chance = chance or random.Random()  # noqa: S311 - jitter is no secret
        self._pace = Pace(service.rate, clock)
        self._closed = Event()

    def send(self, records: Sequence[Record], tally: Tally) -> None:
        """Returns when every record is stored; those that `tally` has as stored are not sent again. Raises RetryableError
        when none was taken for `patience_s`, RequestError for what no later call can mend; `tally` is true then, too."""
        queues: dict[str, deque[Record]] = {}
        for record in records:
            if record.name not in tally.stored:
                queues.setdefault(record.key, deque()).append(record)
        backoff = Backoff(self.clock, self.chance, self.patience_s)
        while queues:
            call = self._next_call(queues)
            self._wait(self._pace.delay_s(len(call), sum(record.size for record in call)))
            answer = self._put(call, tally)
            failed = self._settle(call, answer, queues, tally)
            if failed < len(call):
                backoff.succeeded()
            if failed:
                self._back_off(backoff, answer)

    def close(self) -> None:
        """Ends a wait of another thread."""
        self._closed.set()

    def _next_call(self, queues: dict[str, deque[Record]]) -> list[Record]:
        limits, call, size = self.service.limits, list[Record](), 0
        for queue in queues.values():
            record = queue[0]
            size += record.size
            if call and (size > limits.bytes or len(call) == limits.records):
                break
            call.append(record)
        return call

    def _put(self, call: Sequence[Record], tally: Tally) -> Answer:
        try:
            answer = self.service.put(call)
        except BaseException:  # also a signal, in the middle of it
            tally.doubtful.update(record.name for record in call)
            raise
        if answer.is_unknown:
            tally.doubtful.update(record.name for record in call)
            log.warning(
                "the answer to a call was lost: its records may be there twice",
                extra={"records": len(call), "sequences": spans(call), "reason": answer.codes[0]},
            )
        return answer

    def _settle(
        self, call: Sequence[Record], answer: Answer, queues: dict[str, deque[Record]], tally: Tally
    ) -> int:
        """Takes what was stored out of the queues; returns how many records were not."""
        failed = 0
        for record, code in zip(call, answer.codes, strict=True):
            if code:
                failed += 1
                continue
            tally.stored.add(record.name)
            queue = queues[record.key]
            queue.popleft()
            if not queue:
                del queues[record.key]
        tally.retried += failed
        return failed

    def _back_off(self, backoff: Backoff, answer: Answer) -> None:
        codes = sorted(set(answer.codes) - {""})
        if answer.is_throttled:
            self._pace.throttled()
        delay_s = backoff.delay_s()
        if delay_s is None:
            raise RetryableError(
                f"no record was taken for {backoff.patience_s:.0f} s: {', '.join(codes)}",
                where=self.service.where,
                remedy=self.service.remedy if answer.is_throttled else "",
            )
        log.debug("records are sent again", extra={"reason": codes, "delay_s": round(delay_s, 3)})
        self._wait(delay_s)

    def _wait(self, delay_s: float) -> None:
        if delay_s and self._closed.wait(delay_s):
            raise RetryableError("the sink was closed", where=self.service.where)


def spans(records: Sequence[Record]) -> list[str]:
    """The sequences of records for people: `["3-17", "20"]`."""
    sequences = sorted(record.sequence for record in records)
    starts = [sequences[0], *(after for before, after in pairwise(sequences) if after > before + 1)]
    ends = [*(before for before, after in pairwise(sequences) if after > before + 1), sequences[-1]]
    return [f"{start}-{end}" if end > start else str(start) for start, end in zip(starts, ends, strict=True)]
