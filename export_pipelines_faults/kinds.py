"""The table of faults: where, what, and how each is injected. A new kind is one new row; see runner.py for what becomes of it.

A topology is the set of kinds and scenes that fit to what a project runs on: `machine` is one machine. Another one, such as a
cluster of workers behind a broker, is a name in `Kind.topologies` with scenes of its own."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from export_pipelines_faults.syscalls import ANYWHERE, NETWORK, AtCall

MACHINE = "machine"


@dataclass(frozen=True)
class OnTheWay:
    """A fault of the proxy before what a world calls `to`; see fault_proxy.Fault. `share` of `most` bytes pass before it."""

    to: str
    fault: str
    after: int = 0
    times: int = 1

    def __str__(self) -> str:
        where = f" after {self.after} bytes" if self.after else ""
        return f"{self.fault} on the way to the {self.to}{where}, {self.times} times"


@dataclass(frozen=True)
class Meanwhile:
    """Something that is done to a server when a share of the usual time is over."""

    action: str
    share: float

    def __str__(self) -> str:
        return f"{self.action} after {self.share:.0%} of the usual time"


@dataclass(frozen=True)
class AtRest:
    """Something that is done to files while nothing runs, before the work begins."""

    action: str
    choice: float

    def __str__(self) -> str:
        return f"{self.action} ({self.choice:.3f})"


@dataclass(frozen=True)
class Twice:
    """The same work is done by another process at the same time."""

    def __str__(self) -> str:
        return "another process at once"


@dataclass(frozen=True)
class Answers:
    """What Amazon's service says to the next calls of records; see failing_aws.Fault."""

    faults: Sequence[str]

    def __str__(self) -> str:
        return f"calls of records: {', '.join(self.faults)}"


Injection = AtCall | OnTheWay | Meanwhile | AtRest | Twice | Answers
Draw = Callable[[Random], tuple[Injection, ...]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault. `scenes` are those that it can happen in, `setting` what their world must be made of then, as far as
    it matters. `damages`: what lies in the store may be damaged by it, and has to be named by `verify`."""

    where: str
    what: str
    draw: Draw = field(compare=False, repr=False)
    scenes: Sequence[str] = ("export",)
    setting: Sequence[tuple[str, Sequence[Any]]] = ()
    damages: bool = False
    topologies: Sequence[str] = (MACHINE,)

    @property
    def name(self) -> str:
        return f"{self.where}: {self.what}"


def _at_call(place: str, fault: str, value: int = 0) -> Draw:
    return lambda random: (AtCall(place, fault, random.random(), value),)


def _on_the_way(to: str, fault: str, most: int = 0, times: int = 1) -> Draw:
    def draw(random: Random) -> tuple[Injection, ...]:
        after = (
            int(most ** random.random()) if most else 0
        )  # as often among the first bytes as among the last
        return (OnTheWay(to, fault, after, random.randint(1, times)),)

    return draw


def _meanwhile(action: str) -> Draw:
    return lambda random: (Meanwhile(action, random.random()),)


def _at_rest(action: str) -> Draw:
    return lambda random: (AtRest(action, random.random()),)


def _flipped(place: str) -> Draw:
    return lambda random: (AtCall(place, "flipped", random.random(), random.randrange(1, 4_000)),)


WORK = ("export", "export", "erasure", "seal", "backfill")  # work with a folder and a ledger in SQLite
PROCESS = {  # at a call of the process, wherever it writes to
    "killed": _at_call(ANYWHERE, "killed"),
    "interrupted (SIGINT)": _at_call(ANYWHERE, "signal", signal.SIGINT),
    "clock moved back an hour": _at_call(ANYWHERE, "clock", -3_600),
    "clock moved on a day": _at_call(ANYWHERE, "clock", 86_400),
}
DISK: dict[str, str] = {
    "killed at a call": "killed",
    "killed within a write": "torn",
    "power cut, unsynced data lost": "power cut, data lost",
    "power cut, unsynced names lost": "power cut, names lost",
    "disk full": "full",
    "input/output error": "failed",
    "slow": "stalled",
    "a write taken in part": "short",
}
WAY: dict[str, tuple[str, int, int]] = {  # what: fault, bytes before it at most, times at most
    "refused": ("refuse", 0, 2),
    "reset": ("reset", 20_000, 2),
    "cut": ("cut", 20_000, 2),
    "stalled": ("stall", 20_000, 1),
    "slow": ("slow", 0, 200),
    "answer lost": ("lost", 0, 2),
}
REMOTE = ("to", ("s3", "sftp", "webhook", "email"))
SCENES_OF = {
    "store": ("export", "export", "erasure", "seal", "backfill"),
    "ledger": ("export", "export", "erasure", "seal", "stream", "backfill", "service"),
    "destination": ("export", "export", "backfill"),
}


def _removing(place: str, fault: str) -> tuple[str, ...]:
    """Erasing writes nothing to a destination, but removes."""
    return ("erasure",) if place == "destination" and fault in ("killed", "failed", "stalled") else ()


def _disk() -> list[Kind]:
    kinds = [
        Kind(place, what, _at_call(place, fault), (*SCENES_OF[place], *_removing(place, fault)))
        for place in ("store", "ledger", "destination")
        for what, fault in DISK.items()
    ]
    kinds += [
        Kind("store", "bytes flipped on the way to the disk", _flipped("store"), ("export",), damages=True),
        Kind("store", "a part changed at rest", _at_rest("flip a part"), ("redelivery",), damages=True),
        Kind("store", "a part cut short at rest", _at_rest("cut a part"), ("redelivery",), damages=True),
        Kind(
            "store", "a manifest changed at rest", _at_rest("flip a manifest"), ("redelivery",), damages=True
        ),
        Kind("store", "a part lost at rest", _at_rest("lose a part"), ("redelivery",), damages=True),
    ]
    return kinds


def _ways() -> list[Kind]:
    kinds = []
    for what, (fault, most, times) in WAY.items():
        kinds += [
            Kind("destination", f"connection {what}", _on_the_way("destination", fault, most, times), setting=(REMOTE,)),
            Kind("source", f"connection {what}", _on_the_way("source", fault, most // 10, times), ("export", "stream"), (("source", ("postgresql",)),)),
            Kind("ledger", f"connection {what}", _on_the_way("ledger", fault, most, times), ("export",), (("ledger", ("postgresql",)),)),
            Kind("store", f"bucket: connection {what}", _on_the_way("store", fault, most, times), ("export",), (("store", ("s3",)),)),
            Kind("stream", f"bucket: connection {what}", _on_the_way("sink", fault, most, times), ("stream",), (("sink", ("s3",)),)),
        ]  # fmt: skip
    kinds += [
        Kind("destination", "connection: bytes flipped", _on_the_way("destination", "flip", 20_000), setting=(REMOTE,)),
        Kind("destination", "killed while it sends", _at_call(NETWORK, "killed"), setting=(REMOTE,)),
        Kind("source", "connections ended by the server", _meanwhile("end connections of the source"), ("export", "stream"), (("source", ("postgresql",)),)),
        Kind("ledger", "connections ended by the server", _meanwhile("end connections of the ledger"), ("export",), (("ledger", ("postgresql",)),)),
    ]  # fmt: skip
    return kinds


def _streams() -> list[Kind]:
    kinesis = (("sink", ("kinesis",)),)
    calls = {
        "calls throttled": ("throttle",),
        "records refused in part": ("partial",),
        "calls cut": ("cut", "lost"),
        "calls answered with an error": ("error", "broken"),
        "calls carried out late": ("slow",),
    }

    def draw(faults: Sequence[str]) -> Draw:
        return lambda random: (Answers([random.choice(faults) for _ in range(random.randint(1, 3))]),)

    return [
        *(Kind("stream", f"Kinesis: {what}", draw(faults), ("stream",), kinesis) for what, faults in calls.items()),
        Kind("stream", "Kinesis: killed while it sends", _at_call(NETWORK, "killed"), ("stream",), kinesis),
        Kind("stream", "bucket: killed while it sends", _at_call(NETWORK, "killed"), ("stream",), (("sink", ("s3",)),)),
        *(Kind("stream", f"process {what}", draw, ("stream",)) for what, draw in PROCESS.items()),
    ]  # fmt: skip


def _service() -> list[Kind]:
    scenes = ("service",)
    return [
        Kind("service", "killed at a call", _at_call(ANYWHERE, "killed"), scenes),
        Kind("service", "killed while it sends", _at_call(NETWORK, "killed"), scenes),
        *(
            Kind("service", f"Dagster's storage: {what}", _at_call("dagster", DISK[what]), scenes)
            for what in DISK
        ),
        *(
            Kind(
                "service",
                f"client's connection {what}",
                _on_the_way("service", fault, most and 600, times),
                scenes,
            )
            for what, (fault, most, times) in WAY.items()
        ),
    ]


def _both(*draws: Draw) -> Draw:
    return lambda random: tuple(injection for draw in draws for injection in draw(random))


def _any_of(*draws: Draw) -> Draw:
    return lambda random: random.choice(draws)(random)


def _two_at_once() -> list[Kind]:
    call = _any_of(
        *(
            _at_call(place, fault)
            for place in ("store", "ledger", "destination")
            for fault in ("failed", "stalled", "short", "full")
        )
    )
    way = _any_of(
        *(_on_the_way("destination", *WAY[what]) for what in ("reset", "cut", "slow", "answer lost"))
    )
    return [
        Kind("two at once", "a disk and the process killed", _both(call, _at_call(ANYWHERE, "killed")), WORK),
        Kind("two at once", "a connection and the process killed", _both(way, _at_call(ANYWHERE, "killed")), setting=(REMOTE,)),
        Kind("two at once", "a connection and a disk", _both(way, call), setting=(REMOTE,)),
        Kind("two at once", "the clock and the process killed", _both(_at_call(ANYWHERE, "clock", -7_200), _at_call(ANYWHERE, "killed")), (*WORK, "stream")),
        Kind("two at once", "two processes", lambda _: (Twice(),), ("redelivery", "export", "erasure", "seal", "stream"), (REMOTE,)),
        Kind("two at once", "two processes, one killed", _both(lambda _: (Twice(),), _at_call(ANYWHERE, "killed")), ("redelivery", "export", "erasure", "seal", "stream"), (REMOTE,)),
    ]  # fmt: skip


KINDS: tuple[Kind, ...] = (
    *_disk(),
    *_ways(),
    *_streams(),
    *_service(),
    *(Kind("process", what, draw, WORK) for what, draw in PROCESS.items()),
    *_two_at_once(),
)


def with_step(injection: AtCall, calls: int) -> AtCall:
    """The fault at one of so many calls."""
    return replace(injection, step=1 + int(injection.share * max(calls, 1)))
