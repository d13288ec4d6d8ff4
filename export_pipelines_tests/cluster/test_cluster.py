"""A cluster of three workers, which are killed while Redis is emptied. `CLUSTER_KILLS=7` in the environment runs it, with so many
kills; it takes some minutes."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from export_pipelines_servers.cluster.cluster import START, Cluster, cluster
from export_pipelines_servers.cluster.faults import Campaign, outcome

KILLS = int(os.environ.get("CLUSTER_KILLS", "0"))
DAYS = [(START + timedelta(days=n)).isoformat() for n in range(max(6, 4 * KILLS))]
PATIENCE_S, HANG_S, CANCEL_S = 3600, 120, 60

pytestmark = pytest.mark.skipif(not KILLS, reason="CLUSTER_KILLS says how many workers are killed")


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with cluster(3, 200 * len(DAYS), len(DAYS), 2) as running:
        yield running


def test_killed_workers_and_an_empty_broker_lose_and_double_nothing(running: Cluster) -> None:
    campaign = Campaign(running)
    assert campaign.run(running.backfill("daily", DAYS), KILLS, 1, PATIENCE_S) == "COMPLETED_SUCCESS"
    result = outcome(campaign, DAYS)
    assert result.ok, result.table()
    assert campaign.kills == KILLS and campaign.emptied == 1 and result.lost_runs
    assert result.longest_hang_s < HANG_S and result.longest_gap_s < HANG_S


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
