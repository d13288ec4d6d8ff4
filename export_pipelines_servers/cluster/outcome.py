"""What must hold of a cluster after a campaign of faults: what is in the store, in the ledger and at the receiver."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from export_pipelines.artifacts import open_store, verify
from export_pipelines.errors import ExportError
from export_pipelines_servers.cluster.cluster import RECEIVER, STORE, Cluster
from export_pipelines_servers.cluster.faults import Campaign


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
    longest_silence_s: float
    faults: Counter[str]

    @property
    def ok(self) -> bool:
        faults = (self.missing, self.doubled, self.damaged, self.unknown, self.put_twice)
        counts = self.artifacts == self.delivered == self.received == self.partitions
        return not any(faults) and counts and not self.undelivered

    def violations(self) -> str:
        """One a line."""
        kinds = {
            "missing": self.missing,
            "doubled": self.doubled,
            "damaged": self.damaged,
            "unknown to the ledger": self.unknown,
            "put twice": self.put_twice,
        }
        return "".join(f"{kind}: {name}\n" for kind, names in kinds.items() for name in names)

    def table(self) -> str:
        rows = {
            "partitions": self.partitions,
            "artifacts, whole, each in the ledger": self.artifacts,
            "windows without or with two artifacts": len(self.missing) + len(self.doubled),
            "damaged, or unknown to the ledger": len(self.damaged) + len(self.unknown),
            "deliveries that arrived, that did not": f"{self.delivered}, {self.undelivered}",
            "objects at the receiver, put more than once": f"{self.received}, {len(self.put_twice)}",
            "runs": ", ".join(f"{number} {status}" for status, number in sorted(self.runs.items())),
            "faults": ", ".join(f"{number} x {kind}" for kind, number in sorted(self.faults.items())),
            "runs whose worker was killed": self.lost_runs,
            "longest from the kill to the run's end": f"{self.longest_hang_s:.0f} s",
            "longest from the kill to the run in its place": f"{self.longest_gap_s:.0f} s",
            "longest that a run stood without a heartbeat": f"{self.longest_silence_s:.0f} s",
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
        longest_silence_s=campaign.longest_silence_s,
        faults=campaign.done,
    )


def _store(cluster: Cluster) -> Any:
    os.environ |= {
        name: cluster.control.environment[name]
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE")
    }
    return open_store(f"s3://{STORE}/artifacts?endpoint_url={cluster.s3.secure_url}")


def _is_whole(cluster: Cluster, artifact: str) -> bool:
    try:
        verify(_store(cluster), artifact)
    except ExportError:
        return False
    return True


def _versions(cluster: Cluster) -> Counter[str]:
    """How often each object of the export was put at the receiver."""
    client = cluster.s3.bucket(RECEIVER).client
    pages = client.get_paginator("list_object_versions").paginate(Bucket=RECEIVER, Prefix="daily/")
    return Counter(str(version.get("Key")) for page in pages for version in page.get("Versions", []))
