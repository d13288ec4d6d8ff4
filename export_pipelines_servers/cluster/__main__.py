"""`python -m export_pipelines_servers.cluster`: starts a cluster, runs a backfill on it, says what came of it, ends everything."""

import argparse
import sys
import time
from datetime import timedelta

from export_pipelines_servers.cluster.cluster import START, cluster
from export_pipelines_servers.cluster.faults import Campaign
from export_pipelines_servers.cluster.network import has_namespaces
from export_pipelines_servers.cluster.outcome import outcome
from export_pipelines_servers.ending import end_by_signals

FAULTS = {  # each at N random moments
    "kill": "kill a worker",
    "empty": "kill Redis, which restarts empty",
    "restart": "restart PostgreSQL",
    "stall": "let the store answer nobody for a minute",
    "cut": "cut a worker's network, for longer than its lease every other time; needs root",
}
LEADS_A_DAY = 200
PATIENCE_S = 3600


def main() -> int:
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=10)
    parser.add_argument("--per-run", type=int, default=2, help="partitions of a run, at most")
    for kind, text in FAULTS.items():
        parser.add_argument(f"--{kind}", type=int, default=0, metavar="N", help=text)
    parser.add_argument("--every", type=float, default=12, help="seconds between two of these, on average")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    if asked.cut and not has_namespaces():
        parser.error("--cut needs network namespaces: run it as root, with the program ip")
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {text}\n")
        sys.stdout.flush()

    days = [(START + timedelta(days=n)).isoformat() for n in range(asked.partitions)]
    say("PostgreSQL, Redis, an S3 server, daemon, web server and workers start ...")
    with cluster(asked.workers, LEADS_A_DAY * len(days), len(days), asked.per_run) as running:
        say(f"{asked.workers} workers; Dagster's UI at {running.url}")
        campaign = Campaign(running, asked.seed, asked.every, say)
        backfill = running.backfill("daily", days)
        say(f"a backfill of {len(days)} partitions, {days[0]} to {days[-1]}")
        status = campaign.run(backfill, {kind: getattr(asked, kind) for kind in FAULTS}, PATIENCE_S)
        say(f"{status}\n")
        result = outcome(campaign, days)
        sys.stdout.write(f"{result.table()}\n\n{result.violations()}")
    say("everything is stopped")
    return 0 if result.ok and status == "COMPLETED_SUCCESS" else 1


if __name__ == "__main__":
    end_by_signals()
    sys.exit(main())
