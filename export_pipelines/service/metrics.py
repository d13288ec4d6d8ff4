"""Counters for Prometheus: what this process saw, and what ledger and Dagster say when they are asked."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from export_pipelines.plan.partitions import last_complete_window

if TYPE_CHECKING:
    from export_pipelines.service.service import Service

NAME = "export_pipelines"


class Metrics:
    """The counters of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.answers = Counter(
            f"{NAME}_http_answers", "Answers", ["method", "status"], registry=self.registry
        )
        self.downloads = Counter(
            f"{NAME}_downloads", "Downloads, by how they ended", ["end"], registry=self.registry
        )
        self.downloaded = Counter(f"{NAME}_downloaded_bytes", "Bytes of files sent", registry=self.registry)
        self.downloading = Gauge(f"{NAME}_downloading", "Downloads that run", registry=self.registry)
        self.denials = Counter(f"{NAME}_denials", "Refused, by cause", ["code"], registry=self.registry)
        self.requests = Counter(f"{NAME}_export_requests", "Exports asked for", registry=self.registry)

    def text(self, service: "Service") -> bytes:
        """In Prometheus's text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Gauges(service))
        return generate_latest(self.registry) + generate_latest(registry)


class _Gauges:
    def __init__(self, service: "Service") -> None:
        self.service = service

    def collect(self) -> Iterable[Metric]:
        project = self.service.project
        written = project.ledger.written()
        labels = ["export"]
        figures: tuple[tuple[str, str, Mapping[str, float]], ...] = (
            ("artifacts", "Artifacts written", {name: row.artifacts for name, row in written.items()}),
            ("rows", "Rows written", {name: row.rows for name, row in written.items()}),
            ("bytes", "Bytes written", {name: row.bytes for name, row in written.items()}),
            (
                "lag_seconds",
                "From the end of the newest window to that of the last complete one",
                self._lags(),
            ),
        )
        for name, text, values in figures:
            yield _family(name, text, labels, {(key,): value for key, value in values.items()})
        seconds: dict[tuple[str, ...], float] = {
            (export, stage): value
            for export in written
            if (manifest := project.store.latest(export))
            for stage, value in manifest.seconds.items()
        }
        yield _family(
            "stage_seconds", "Seconds of each stage, in the newest artifact", ["export", "stage"], seconds
        )
        states: dict[tuple[str, ...], float] = {
            (state,): number for state, number in project.ledger.delivery_states().items()
        }
        yield _family("deliveries", "Deliveries by state", ["state"], states)
        runs: dict[tuple[str, ...], float] = {
            (state,): number for state, number in self.service.runs.counts().items()
        }
        yield _family("runs", "Runs of Dagster that have not ended", ["state"], runs)

    def _lags(self) -> dict[str, float]:
        project = self.service.project
        now, written = project.now(), project.ledger.written()
        lags = {}
        for definition in project.loaded.definitions:
            if definition.schedule is None or definition.partition is None:
                continue
            due = last_complete_window(definition.partition, now).end
            row = written.get(definition.name)
            newest: datetime | None = row.window_end if row else None
            if newest:
                lags[definition.name] = max(0.0, (due - newest).total_seconds())
        return lags


def _family(
    name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{NAME}_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
