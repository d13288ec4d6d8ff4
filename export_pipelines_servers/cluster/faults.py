"""What is done to a cluster while a backfill runs, and what must hold afterwards."""

import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from export_pipelines.artifacts import open_store, verify
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.ledger.run_leases import run_leases
from export_pipelines_servers.cluster.cluster import RECEIVER, STORE, Cluster
from export_pipelines_servers.cluster.machines import Machine

RESTART_S = 3.0  # a killed worker is away for so long
EMPTY_S = 5.0  # the broker is away for so long
AGAIN_S = 12.0  # between two faults, on average
ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "CANCELED", "FAILED")


@dataclass
class Campaign:
    """The faults so far. `lost` has the moment at which the worker of a run was killed, by the run's id."""

    cluster: Cluster
    seed: int = 7
    lost: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    idle_kills: int = 0
    emptied: int = 0
    moments: list[str] = field(default_factory=list)

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

    def kill_worker(self, busy: bool = True) -> None:
        """Kills a worker with all of its processes, one that executes a run where there is one, and starts another."""
        machines = list(self.cluster.workers)
        self.random.shuffle(machines)
        machine = next((m for m in machines if self.running_on(m)), machines[0]) if busy else machines[0]
        runs = self.running_on(machine)
        machine.kill()
        self.kills += 1
        self.idle_kills += not runs
        self.lost |= dict.fromkeys(runs, time.time())
        time.sleep(RESTART_S)
        self.cluster.start_worker(machine)

    def empty_broker(self, seconds: float = EMPTY_S) -> None:
        self.cluster.broker.stop()
        time.sleep(seconds)
        self.cluster.broker.start()
        self.emptied += 1

    def run(self, backfill: str, kills: int, emptied: int, seconds: float) -> str:
        """Faults at random moments until the backfill is over; its status."""
        faults = ["kill"] * kills + ["empty"] * emptied
        self.random.shuffle(faults)
        end, at = time.monotonic() + seconds, 0.0
        while (status := self.cluster.status(backfill)) not in ENDED:
            assert time.monotonic() < end, self.cluster.logs()
            active = any(self.running_on(machine) for machine in self.cluster.workers)
            if faults and active and time.monotonic() > at:
                time.sleep(self.random.uniform(0, 4))
                self.empty_broker() if faults.pop() == "empty" else self.kill_worker()
                at = time.monotonic() + self.random.uniform(0, 2 * AGAIN_S)
            time.sleep(0.5)
        return status


@dataclass(frozen=True)
class Outcome:
    """`doubled` are windows with more than one artifact, `put_twice` objects that the receiver was sent more than once."""

    partitions: int
    artifacts: int
    missing: Sequence[str]
    doubled: Sequence[str]
    damaged: Sequence[str]
    unknown: Sequence[str]
    delivered: int
    undelivered: int
    received: int
    put_twice: Sequence[str]
    runs: Counter[str]
    lost_runs: int
    longest_hang_s: float
    longest_gap_s: float

    @property
    def ok(self) -> bool:
        faults = (self.missing, self.doubled, self.damaged, self.unknown, self.put_twice)
        counts = self.artifacts == self.delivered == self.received == self.partitions
        return not any(faults) and counts and not self.undelivered

    def table(self) -> str:
        rows = {
            "partitions": self.partitions,
            "artifacts, whole, each in the ledger": self.artifacts,
            "windows without or with two artifacts": len(self.missing) + len(self.doubled),
            "damaged, or unknown to the ledger": len(self.damaged) + len(self.unknown),
            "deliveries that arrived, that did not": f"{self.delivered}, {self.undelivered}",
            "objects at the receiver, put more than once": f"{self.received}, {len(self.put_twice)}",
            "runs": ", ".join(f"{number} {status}" for status, number in sorted(self.runs.items())),
            "runs whose worker was killed": self.lost_runs,
            "longest from the kill to the run's end": f"{self.longest_hang_s:.0f} s",
            "longest from the kill to the run in its place": f"{self.longest_gap_s:.0f} s",
        }
        return "\n".join(f"{name:48}{value}" for name, value in rows.items())


def outcome(campaign: Campaign, days: Sequence[str]) -> Outcome:
    """What is in the store, in the ledger and at the receiver."""
    cluster, ledger = campaign.cluster, campaign.ledger
    manifests = _store(cluster).manifests("daily")
    by_window = Counter(manifest.window.key for manifest in manifests)
    known = {record.artifact for record in ledger.windows("daily")}
    deliveries = ledger.deliveries("daily")
    versions = _versions(cluster)
    runs = cluster.runs()
    ended = [run for run in runs if run["runId"] in campaign.lost and run["endTime"]]
    places = {run["parentRunId"]: run["creationTime"] for run in runs if run["parentRunId"]}
    return Outcome(
        partitions=len(days),
        artifacts=len(manifests),
        missing=[day for day in days if not by_window[day]],
        doubled=[day for day, number in by_window.items() if number > 1],
        damaged=[manifest.artifact for manifest in manifests if not _is_whole(cluster, manifest.artifact)],
        unknown=[manifest.artifact for manifest in manifests if manifest.artifact not in known],
        delivered=sum(delivery.state == "delivered" for delivery in deliveries),
        undelivered=sum(delivery.state != "delivered" for delivery in deliveries),
        received=sum(not key.endswith("manifest.json") for key in versions),
        put_twice=[key for key, number in versions.items() if number > 1],
        runs=Counter(str(run["status"]) for run in runs),
        lost_runs=len(ended),
        longest_hang_s=max((run["endTime"] - campaign.lost[run["runId"]] for run in ended), default=0.0),
        longest_gap_s=max(
            (places[id] - moment for id, moment in campaign.lost.items() if id in places), default=0.0
        ),
    )


def _store(cluster: Cluster) -> Any:
    os.environ |= {
        name: cluster.control.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }
    return open_store(f"s3://{STORE}/artifacts?endpoint_url={cluster.s3.endpoint_url}")


def _is_whole(cluster: Cluster, artifact: str) -> bool:
    try:
        verify(_store(cluster), artifact)
    except ExportError:
        return False
    return True


def _versions(cluster: Cluster) -> Counter[str]:
    """How often each object of the receiver was put."""
    client = cluster.s3.bucket(RECEIVER).client
    pages = client.get_paginator("list_object_versions").paginate(Bucket=RECEIVER)
    return Counter(str(version.get("Key")) for page in pages for version in page.get("Versions", []))


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None
