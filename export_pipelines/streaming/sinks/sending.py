"""Records leave in calls of many: within the limits of a service, in order by key, again where they failed."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from threading import Event
from typing import Protocol

from export_pipelines.errors import RetryableError
from export_pipelines.streaming.sinks.answers import Answer
from export_pipelines.streaming.sinks.pace import PATIENCE_S, Backoff, Pace, Rate

log = logging.getLogger(__name__)


Name = tuple[int, str]  # of a record: its sequence and id, by which doubles are told


@dataclass
class Batch:
    """Records in the order of their sequences, a list for each of their columns; a position is an index of all. `sizes` count
    against the limits. An object for each record would take as much time as all else."""

    ids: list[str] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, position: int) -> Name:
        return self.sequences[position], self.ids[position]


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
    keeps_order: records of one key arrive in their order, so a call holds one of each key: the service may refuse any record
            of a call and take those behind it.
    """

    where: str
    remedy: str
    limits: Limits
    keeps_order: bool

    def check(self) -> None: ...

    def put(self, keys: Sequence[str], data: Sequence[bytes]) -> Answer: ...

    def rate(self) -> Rate | None: ...

    def close(self) -> None: ...


@dataclass
class Tally:
    """What became of the records of commits that failed, by name. `retried` counts records that were sent again."""

    stored: set[Name] = field(default_factory=set)
    doubtful: set[Name] = field(default_factory=set)
    retried: int = 0

    def behind(self, sequence: int) -> "Tally":
        """What is known of later records, which a commit that failed has sent as well."""
        return Tally(
            {name for name in self.stored if name[0] > sequence},
            {name for name in self.doubtful if name[0] > sequence},
        )


class Queues:
    """The records of a batch that are still to be sent, a queue for each of `keys`."""

    def __init__(self, batch: Batch, stored: set[Name], keys: Sequence[str | int]) -> None:
        self.batch, self.keys = batch, keys
        self._heads: dict[str | int, int] = {}  # positions by key
        self._following = [0] * len(batch)  # of the same key; 0 is no follower's position
        tails: dict[str | int, int] = {}
        for position, key in enumerate(keys):
            if stored and batch.name(position) in stored:
                continue
            if key in tails:
                self._following[tails[key]] = position
            else:
                self._heads[key] = position
            tails[key] = position

    def __bool__(self) -> bool:
        return bool(self._heads)

    def call(self, limits: Limits) -> list[int]:
        """The heads of as many queues as fit into one call."""
        call, size, sizes = list[int](), 0, self.batch.sizes
        for position in islice(self._heads.values(), limits.records):
            size += sizes[position]
            if call and size > limits.bytes:
                break
            call.append(position)
        return call

    def remove(self, position: int) -> None:
        """Takes a head out of its queue."""
        key, following = self.keys[position], self._following[position]
        if following:
            self._heads[key] = following
        else:
            del self._heads[key]


class Sending:
    """One call at a time."""

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

    def send(self, batch: Batch, tally: Tally) -> None:
        """Returns when every record is stored; those that `tally` has as stored are not sent again. Raises RetryableError
        when none was taken for `patience_s`, RequestError for what no later call can mend; `tally` has then what was
        stored until there."""
        keys = batch.keys if self.service.keeps_order else range(len(batch))
        queues, stored = Queues(batch, tally.stored, keys), list[int]()
        backoff = Backoff(self.clock, self.chance, self.patience_s)
        try:
            while queues:
                call = queues.call(self.service.limits)
                self._wait(self._pace.delay_s(len(call), sum(batch.sizes[position] for position in call)))
                answer = self._put(batch, call, tally)
                taken = [position for position, code in zip(call, answer.codes, strict=True) if not code]
                for position in taken:
                    queues.remove(position)
                stored += taken
                if taken:
                    backoff.succeeded()
                if len(taken) < len(call):
                    tally.retried += len(call) - len(taken)
                    self._back_off(backoff, answer)
        except BaseException:
            tally.stored.update(map(batch.name, stored))
            raise

    def close(self) -> None:
        """Ends a wait of another thread."""
        self._closed.set()

    def _put(self, batch: Batch, call: Sequence[int], tally: Tally) -> Answer:
        try:
            answer = self.service.put([batch.keys[n] for n in call], [batch.data[n] for n in call])
        except BaseException:  # also a signal, in the middle of it
            tally.doubtful.update(map(batch.name, call))
            raise
        if answer.is_unknown:
            tally.doubtful.update(map(batch.name, call))
            log.warning(
                "the answer to a call was lost: its records may be there twice",
                extra={
                    "records": len(call),
                    "sequences": spans([batch.sequences[n] for n in call]),
                    "reason": answer.codes[0],
                },
            )
        return answer

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


def spans(sequences: Sequence[int]) -> list[str]:
    """Sequences for people: `["3-17", "20"]`."""
    ordered = sorted(sequences)
    gaps = [(before, after) for before, after in pairwise(ordered) if after > before + 1]
    starts = [ordered[0], *(after for _, after in gaps)]
    ends = [*(before for before, _ in gaps), ordered[-1]]
    return [f"{start}-{end}" if end > start else str(start) for start, end in zip(starts, ends, strict=True)]
