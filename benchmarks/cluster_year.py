"""A year of exports on a cluster, simulated by discrete events from what `benchmarks.cluster_costs` measured: how long a window
takes from the moment it is due until it is delivered, and which part of the cluster is busy for how long."""

import argparse
import heapq
import random
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

DAY_S, HOUR_S, YEAR_DAYS = 86_400, 3_600, 365


@dataclass(frozen=True)
class Costs:
    """Of a run of one small partition, measured on two loaded cores, in seconds of a CPU; the last two are assumed."""

    worker_s: float = 1.8
    daemon_s: float = 0.9
    postgresql_s: float = 1.1
    store_s: float = 0.02
    waits_s: float = 3.0  # of the worker for servers and network
    rows_per_s: float = 100_000.0  # by which a worker reads, encodes and stores


@dataclass(frozen=True)
class Cluster:
    """`slots` are runs at a time of a worker, each with a core of its own; `lost_days` is how long a worker lives on average."""

    workers: int
    slots: int = 2
    lost_days: float = 30.0
    lease_s: float = 60.0  # from the loss of a worker to the run in its place
    tick_s: float = 1.0  # between two looks of the daemon at its queue
    launchers: int = 1  # runs that it launches at a time; its threads share one core


@dataclass(order=True)
class Run:
    """A window; `priority` 0 goes first."""

    priority: int
    due: float
    number: int
    rows: int = field(compare=False)


def year(exports_a_day: int, chance: random.Random) -> Iterator[Run]:
    """Half of the exports at one of four hours of the night, 40 % spread over the day by schedule, 10 % asked for by people in
    working hours. Rows are spread over three powers of ten. On the first of a month everything is asked for twice."""
    numbers = count()
    for day in range(YEAR_DAYS):
        factor = 2 if day % 30 == 0 else 1
        for _ in range(exports_a_day * factor):
            kind, rows = chance.random(), int(10 ** chance.uniform(2, 5))
            hour, priority = float(chance.choice((1, 2, 4, 6))), 0
            if kind >= 0.5:
                hour = chance.randrange(24 * 4) / 4
            if kind >= 0.9:
                hour, priority = chance.uniform(8, 18), 1
            yield Run(priority, day * DAY_S + hour * HOUR_S, next(numbers), rows)


@dataclass
class Simulation:
    """`busy` are seconds of each part, by the part and the hour of the year; `waits` the seconds of each run until its end."""

    cluster: Cluster
    costs: Costs
    chance: random.Random
    busy: defaultdict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    waits: list[float] = field(default_factory=list)
    lost: int = 0

    def run(self, runs: list[Run]) -> None:
        """Two stations, one after the other: the daemon, which launches, and the slots of the workers."""
        arrivals, queue = deque(sorted(runs, key=lambda run: run.due)), list[Run]()
        launchers = [0.0] * self.cluster.launchers
        slots = [0.0] * (self.cluster.workers * self.cluster.slots)
        ready = 0.0
        while arrivals or queue:
            ready = max(ready, slots[0], launchers[0])
            if not queue:
                ready = max(ready, arrivals[0].due)
            while arrivals and arrivals[0].due <= ready:
                heapq.heappush(queue, arrivals.popleft())
            run = heapq.heappop(queue)
            seen = run.due + self.chance.uniform(0, self.cluster.tick_s)
            launched = max(ready, seen) + self.costs.daemon_s
            heapq.heapreplace(launchers, launched)
            heapq.heapreplace(slots, self._executed(run, launched))

    def _executed(self, run: Run, at: float) -> float:
        """When the slot is free again."""
        seconds = self.costs.worker_s + self.costs.waits_s + run.rows / self.costs.rows_per_s
        if self.chance.random() < seconds / (self.cluster.lost_days * DAY_S):
            self.lost += 1
            at += self.chance.uniform(0, seconds) + self.cluster.lease_s
        hour = int(at // HOUR_S)
        for part, used in (
            ("workers", seconds),
            ("daemon", self.costs.daemon_s),
            ("PostgreSQL", self.costs.postgresql_s),
            ("store", self.costs.store_s),
        ):
            self.busy[part, hour] += used
        self.waits.append(at + seconds - run.due)
        return at + seconds

    def busiest(self, part: str, capacity: float) -> float:
        """The share of its capacity that the part uses in the busiest hour."""
        return max(used for (name, _), used in self.busy.items() if name == part) / (HOUR_S * capacity)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--exports", type=int, nargs="+", default=[1_000, 10_000], help="a day")
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 10, 100])
    options = arguments.parse_args()
    print(
        "| exports a day | workers | p50 s | p99 s | longest s | workers, busiest hour | daemon | PostgreSQL | store | lost |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for exports in options.exports:
        for workers in options.workers:
            print(row(exports, workers), flush=True)


def row(exports: int, workers: int) -> str:
    cluster, chance = Cluster(workers), random.Random(7)
    simulation = Simulation(cluster, Costs(), chance)
    simulation.run(list(year(exports, chance)))
    waits = sorted(simulation.waits)
    p50, p99 = (waits[int(len(waits) * share)] for share in (0.5, 0.99))
    shares = [simulation.busiest("workers", cluster.workers * cluster.slots)]
    shares += [simulation.busiest(part, 1) for part in ("daemon", "PostgreSQL", "store")]
    cells = [f"{exports:,}", workers, f"{p50:.0f}", f"{p99:,.0f}", f"{waits[-1]:,.0f}"]
    return (
        "| " + " | ".join(map(str, [*cells, *(f"{share:.0%}" for share in shares), simulation.lost])) + " |"
    )


if __name__ == "__main__":
    main()
