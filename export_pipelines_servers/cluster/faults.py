"""What is done to a cluster while a backfill runs: workers killed and cut off, PostgreSQL and Redis restarted, the store away."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import sqlalchemy as sa

from export_pipelines.errors import RetryableError
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.ledger.run_leases import run_leases
from export_pipelines_servers.cluster.cluster import Cluster
from export_pipelines_servers.cluster.machines import Machine

RESTART_S = 3.0  # a killed worker is away for so long
EMPTY_S = 5.0  # the broker is away for so long
DOWN_S = 2.0  # PostgreSQL is away for so long
STALL_S = 60.0  # the store is away for so long
CUTS_S = (15.0, 80.0)  # a worker is cut off: shorter than a lease, longer than one
ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "CANCELED", "FAILED")
UNANSWERED = (requests.RequestException, ValueError, AssertionError)  # of a web server whose database is away


@dataclass
class Campaign:
    """The faults so far. Each is a generator that yields for how many seconds it lasts, so that two may be at once: a process
    ends with the thread that started it. `lost` has the moment at which the worker of a run was killed, by the run's id."""

    cluster: Cluster
    seed: int = 7
    every_s: float = 12.0  # between two faults, on average
    say: Callable[[str], object] = lambda text: None
    lost: dict[str, float] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    idle_kills: int = 0
    longest_silence_s: float = 0.0
    killed: Machine | None = None
    underway: dict[str, tuple[float, Iterator[float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.ledger: Ledger = open_ledger(self.cluster.databases["ledger"])

    def running_on(self, machine: Machine) -> list[str]:
        """The runs that processes of the machine hold the leases of."""
        groups = {process.pid for process in machine.processes}
        query = sa.select(run_leases.c.run_id, run_leases.c.holder).where(run_leases.c.ended_at.is_(None))
        with self.ledger.engine.connect() as connection:
            holders = [(row.run_id, int(row.holder.rpartition(":")[2])) for row in connection.execute(query)]
        return [run_id for run_id, pid in holders if _group(pid) in groups]

    def kill(self) -> Iterator[float]:
        """Kills a worker with all of its processes, one that executes a run where there is one, and starts another."""
        machines = list(self.cluster.workers)
        self.random.shuffle(machines)
        with suppress(RetryableError):  # PostgreSQL is away: whichever comes
            machines.sort(key=lambda machine: not self.running_on(machine))
        machine, runs = machines[0], list[str]()
        with suppress(RetryableError):
            runs = self.running_on(machine)
        machine.kill()
        self.killed = machine
        self.idle_kills += not runs
        self.lost |= dict.fromkeys(runs, time.time())
        yield RESTART_S
        self.killed = None
        self.cluster.start_worker(machine)

    def empty(self) -> Iterator[float]:
        """Redis is killed, and restarts empty."""
        self.cluster.broker.stop()
        yield EMPTY_S
        self.cluster.broker.start()

    def restart(self) -> Iterator[float]:
        """PostgreSQL restarts: of the ledger, of Dagster and of the source, once in order, once as after a crash."""
        self.cluster.postgresql.stop("immediate" if self.done["restart"] % 2 else "fast")
        yield DOWN_S
        self.cluster.postgresql.start()

    def stall(self) -> Iterator[float]:
        """The store, which is the receiver too, answers nobody."""
        self.cluster.s3.stall()
        yield STALL_S
        self.cluster.s3.go_on()

    def cut(self) -> Iterator[float]:
        """A worker's network is cut, and heals."""
        worker = self.random.choice(self.cluster.workers)
        assert worker.namespace, "a machine without a network of its own cannot be cut off"
        worker.namespace.cut()
        yield CUTS_S[self.done["cut"] % len(CUTS_S)]
        worker.namespace.heal()

    def begin(self, kind: str) -> None:
        """One of each kind at a time."""
        self.say(f"{kind} begins")
        self.underway[kind] = (time.monotonic(), getattr(self, kind)())

    def go_on(self) -> None:
        """With what is under way, as far as its time has come."""
        for kind, (at, fault) in list(self.underway.items()):
            if time.monotonic() < at:
                continue
            seconds = next(fault, None)
            if seconds is not None:
                self.underway[kind] = (time.monotonic() + seconds, fault)
                continue
            del self.underway[kind]
            self.done[kind] += 1
            self.say(f"{kind} is over")

    def supervise(self) -> None:
        """Starts workers again that ended themselves, as where the ledger was away when they began: their service does that."""
        for machine in self.cluster.workers:
            if machine is not self.killed and not machine.is_alive:
                self.cluster.start_worker(machine)

    def run(self, backfill: str, faults: Mapping[str, int], seconds: float) -> str:
        """So many faults of each kind at random moments until the backfill is over; its status."""
        waiting = [kind for kind, number in faults.items() for _ in range(number)]
        self.random.shuffle(waiting)
        end, at, status = time.monotonic() + seconds, 0.0, ""
        while status not in ENDED or self.underway:
            assert time.monotonic() < end, self.cluster.logs()
            self.go_on()
            self.supervise()
            with suppress(*UNANSWERED, RetryableError):  # of the ledger, while its server is away
                self._look()
                if waiting and waiting[-1] not in self.underway and self._is_busy() and time.monotonic() > at:
                    self.begin(waiting.pop())
                    at = time.monotonic() + self.random.uniform(0, 2 * self.every_s)
                status = self.cluster.status(backfill)
            time.sleep(self.random.uniform(0, 1))
        return status

    def _is_busy(self) -> bool:
        return any(self.running_on(machine) for machine in self.cluster.workers)

    def _look(self) -> None:
        """How long runs that have begun have been without a heartbeat."""
        silent = self.silences()
        underway = {run["runId"] for run in self.cluster.runs() if run["status"] in ("STARTED", "CANCELING")}
        self.longest_silence_s = max(self.longest_silence_s, *(silent.get(run, 0.0) for run in underway), 0.0)

    def silences(self) -> dict[str, float]:
        """Seconds since the last heartbeat of each run."""
        seconds = sa.func.extract("epoch", sa.func.clock_timestamp() - run_leases.c.seen_at)
        with self.ledger.engine.connect() as connection:
            query = sa.select(run_leases.c.run_id, seconds)
            rows: Any = connection.execute(query)
            return {run_id: float(silence) for run_id, silence in rows}


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None
