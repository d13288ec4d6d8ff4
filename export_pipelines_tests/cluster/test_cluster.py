"""A cluster of three workers: killed, cut off, without Redis, PostgreSQL and the store for a while. `CLUSTER_KILLS=10` in the
environment runs it, with so many kills and some of each other fault; it takes some ten minutes."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from export_pipelines_servers.cluster.cluster import START, Cluster, cluster
from export_pipelines_servers.cluster.faults import Campaign
from export_pipelines_servers.cluster.network import has_namespaces
from export_pipelines_servers.cluster.outcome import outcome

KILLS = int(os.environ.get("CLUSTER_KILLS", "0"))
DAYS = [(START + timedelta(days=n)).isoformat() for n in range(max(6, 4 * KILLS))]
FAULTS = {
    "kill": KILLS,
    "empty": max(1, KILLS // 10),
    "restart": max(2, KILLS // 15),
    "stall": 1,
    "cut": 2 * has_namespaces(),
}
PATIENCE_S, HANG_S, CANCEL_S = 3600, 120, 60

pytestmark = pytest.mark.skipif(not KILLS, reason="CLUSTER_KILLS says how many workers are killed")


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with cluster(3, 200 * len(DAYS), len(DAYS)) as running:
        yield running


def test_faults_of_all_kinds_lose_and_double_nothing(running: Cluster) -> None:
    campaign = Campaign(running)
    assert campaign.run(running.backfill("daily", DAYS), FAULTS, PATIENCE_S) == "COMPLETED_SUCCESS"
    result = outcome(campaign, DAYS)
    assert result.ok, result.violations() + result.table()
    assert campaign.done == Counter(FAULTS) and result.lost_runs
    assert max(result.longest_hang_s, result.longest_gap_s, result.longest_silence_s) < HANG_S, result.table()


def test_a_cancelled_run_ends_and_stays_ended(running: Cluster) -> None:
    campaign = Campaign(running)
    runs = len(running.runs())
    running.backfill("daily", DAYS[:1])
    running.until(lambda: any(campaign.running_on(machine) for machine in running.workers), PATIENCE_S, 0.05)
    run_id = next(id for machine in running.workers for id in campaign.running_on(machine))
    running.terminate(run_id)
    asked = time.time()
    running.until(lambda: running.runs()[0]["endTime"] is not None, CANCEL_S)
    time.sleep(CANCEL_S)
    (run,) = running.runs()[: len(running.runs()) - runs]
    assert run["status"] == "CANCELED" and run["endTime"] - asked < 10
