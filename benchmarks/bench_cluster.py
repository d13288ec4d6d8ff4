"""Workers of a cluster whose link to the source is the limit: 1, 2 and 4 of them share out a backfill, of
as many runs for each. Workers are added while the others go on."""

import argparse
from datetime import timedelta

from benchmarks.harness import Judged, all_bars
from export_pipelines_servers.cluster.cluster import START, Cluster, cluster
from export_pipelines_servers.cluster.faults import ENDED

WORKERS, LEAST = (1, 2, 4), {1: 1.0, 2: 1.9, 4: 3.6}  # times the throughput of one worker
LEADS_A_DAY, ROUNDS = 6_000, 2
BYTES_PER_SECOND = 10_000.0  # so little that the CPU of a run does not count
PATIENCE_S = 3600


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS_A_DAY, help="of a day")
    arguments.add_argument(
        "--rounds", type=int, default=ROUNDS, help="runs of each worker, of a partition each"
    )
    arguments.add_argument("--link", type=float, default=BYTES_PER_SECOND, help="bytes a second of each")
    options = arguments.parse_args()
    days, rates = sum(WORKERS) * options.rounds, dict[int, float]()
    print(
        f"cluster: {options.rounds} runs a worker, of {options.leads} leads, links of {options.link:.0f} B/s"
    )
    print("| workers | runs | seconds | rows a second | times | least |\n|---|---|---|---|---|---|")
    with cluster(WORKERS[0], options.leads * days, days, link_bytes_per_second=options.link) as running:
        first = 0
        for workers in WORKERS:
            while len(running.workers) < workers:
                running.add_worker()
            runs = workers * options.rounds
            seconds = _seconds(running, first, runs)
            first += runs
            rates[workers] = options.leads * runs / seconds
            times = rates[workers] / rates[WORKERS[0]]
            row = (workers, runs, f"{seconds:.1f}", f"{rates[workers]:.0f}", f"{times:.2f}", LEAST[workers])
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
    return [_judged(workers, rates[workers] / rates[1]) for workers in WORKERS[1:]]


def _seconds(running: Cluster, first: int, partitions: int) -> float:
    """From the start of the first run of a backfill to the end of its last."""
    days = [(START + timedelta(days=first + n)).isoformat() for n in range(partitions)]
    before = len(running.runs())
    backfill = running.backfill("daily", days)
    running.until(lambda: running.status(backfill) in ENDED, PATIENCE_S, 1.0)
    runs = running.runs()
    runs = runs[: len(runs) - before]
    assert all(run["status"] == "SUCCESS" for run in runs), running.logs()
    return float(max(run["endTime"] for run in runs) - min(run["startTime"] for run in runs))


def _judged(workers: int, times: float) -> Judged:
    verdict = "met" if times >= LEAST[workers] else "missed"
    return Judged(
        "cluster", f"{workers} workers", f">= {LEAST[workers]:g} x 1 worker", f"{times:.2f} x", verdict
    )


if __name__ == "__main__":
    all_bars(main())
