"""`python -m export_pipelines_servers.cluster`: starts a cluster, runs a backfill on it, says what came of it, ends everything."""

import argparse
import sys
import time
from datetime import timedelta

from export_pipelines_servers.cluster.cluster import START, cluster
from export_pipelines_servers.cluster.faults import Campaign, outcome
from export_pipelines_servers.ending import end_by_signals

LEADS_A_DAY = 200
PATIENCE_S = 3600


def main() -> int:
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=10)
    parser.add_argument("--per-run", type=int, default=2, help="partitions of a run, at most")
    parser.add_argument("--kills", type=int, default=0, help="workers killed at random moments")
    parser.add_argument(
        "--emptied", type=int, default=0, help="times that Redis is killed and restarts empty"
    )
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {text}\n")
        sys.stdout.flush()

    days = [(START + timedelta(days=n)).isoformat() for n in range(asked.partitions)]
    say("PostgreSQL, Redis, an S3 server, daemon, web server and workers start ...")
    with cluster(asked.workers, LEADS_A_DAY * len(days), len(days), asked.per_run) as running:
        say(f"{asked.workers} workers; Dagster's UI at http://127.0.0.1:{running.port}")
        campaign = Campaign(running, asked.seed)
        backfill = running.backfill("daily", days)
        say(f"a backfill of {len(days)} partitions, {days[0]} to {days[-1]}")
        status = campaign.run(backfill, asked.kills, asked.emptied, PATIENCE_S)
        say(f"{status}; {campaign.kills} workers killed, Redis emptied {campaign.emptied} times\n")
        result = outcome(campaign, days)
        sys.stdout.write(result.table() + "\n\n")
        sys.stdout.write(
            "".join(f"{fault}\n" for fault in (*result.doubled, *result.unknown, *result.put_twice))
        )
    say("everything is stopped")
    return 0 if result.ok and status == "COMPLETED_SUCCESS" else 1


if __name__ == "__main__":
    end_by_signals()
    sys.exit(main())
