"""A cluster of three workers: killed, cut off, without Redis, PostgreSQL and the store for a while. `CLUSTER_KILLS=10` in the
environment runs it, with so many kills and some of each other fault; it takes some ten minutes."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipelines.ledger import open_ledger
from export_pipelines.settings import driver_url
from export_pipelines_servers.cluster.cluster import START, Cluster, cluster
from export_pipelines_servers.cluster.faults import ENDED, Campaign
from export_pipelines_servers.cluster.network import has_namespaces
from export_pipelines_servers.cluster.outcome import outcome

KILLS = int(os.environ.get("CLUSTER_KILLS", "0"))
DAYS = [(START + timedelta(days=n)).isoformat() for n in range(max(16, 4 * KILLS))]
FAULTS = {
    "kill": KILLS,
    "empty": max(1, KILLS // 10),
    "restart": max(2, KILLS // 15),
    "stall": 1,
    "cut": 2 * has_namespaces(),
}
PATIENCE_S, HANG_S, CANCEL_S, ENDS_S = 3600, 120, 60, 20

pytestmark = pytest.mark.skipif(not KILLS, reason="CLUSTER_KILLS says how many workers are killed")


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    now = datetime.now(UTC)
    hours = f"{now + timedelta(hours=6):%H:00}-{now + timedelta(hours=7):%H:00}"
    exports = {"shared": "", "night": f'quiet_hours: "{hours}"\n'}
    with cluster(3, 200 * len(DAYS), len(DAYS), exports=exports) as running:
        yield running


def test_faults_of_all_kinds_lose_and_double_nothing(running: Cluster) -> None:
    campaign = Campaign(running)
    assert campaign.run(running.backfill("daily", DAYS), FAULTS, PATIENCE_S) == "COMPLETED_SUCCESS"
    result = outcome(campaign, DAYS)
    assert result.ok, result.violations() + result.table()
    assert campaign.done == Counter(FAULTS) and result.lost_runs
    assert max(result.longest_hang_s, result.longest_gap_s, result.longest_silence_s) < HANG_S, result.table()


def test_a_cancelled_run_ends_and_stays_ended(running: Cluster) -> None:
    engine = sa.create_engine(driver_url(running.databases["leads"]))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER DATABASE leads SET lock_timeout = 0")
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE leads")  # the run waits for it
        backfill = running.backfill("shared", DAYS[:1])
        running.until(
            lambda: _begun(running.runs_of(backfill)) != [], PATIENCE_S
        )  # before, nobody may end it
        (run,) = running.runs_of(backfill)
        running.terminate(run["runId"])
        asked = time.time()
        running.until(lambda: running.runs_of(backfill)[0]["endTime"] is not None, CANCEL_S)
    engine.dispose()
    time.sleep(CANCEL_S)
    (run,) = running.runs_of(backfill)
    assert run["status"] == "CANCELED" and run["endTime"] - asked < ENDS_S


def test_a_pool_holds_over_all_workers_and_urgent_runs_go_first(running: Cluster) -> None:
    running.limit_pool("source", 2)
    backfill = running.backfill("shared", DAYS[1:])
    running.until(lambda: len(_begun(running.runs_of(backfill))) > 1, PATIENCE_S)
    urgent = running.backfill("shared", DAYS[:1], **{"dagster/priority": "1"})
    running.until(lambda: all(running.status(id) in ENDED for id in (backfill, urgent)), PATIENCE_S)
    (first,), others = running.runs_of(urgent), running.runs_of(backfill)
    assert {run["status"] for run in (first, *others)} == {"SUCCESS"}
    assert _most_at_once([first, *others]) == 2
    passed = [run for run in others if first["creationTime"] < run["startTime"] < first["startTime"]]
    assert len(passed) <= 2 < len([run for run in others if run["startTime"] > first["startTime"]])


def test_quiet_hours_hold_on_every_worker(running: Cluster) -> None:
    running.limit_pool("source", 4)
    backfill = running.backfill("night", DAYS[:6])
    running.until(lambda: running.status(backfill) in ENDED, PATIENCE_S)
    assert {run["status"] for run in running.runs_of(backfill)} == {"FAILURE"}
    assert not open_ledger(running.databases["ledger"]).windows("night")
    assert "runs in its quiet hours only" in running.logs(1_000_000)


def _begun(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [run for run in runs if run["startTime"]]


def _most_at_once(runs: list[dict[str, Any]]) -> int:
    """Of runs that have ended, how many were executed at one time."""
    times = [(float(run["startTime"]), float(run["endTime"])) for run in runs]
    return max(sum(start <= at < end for start, end in times) for at, _ in times)
