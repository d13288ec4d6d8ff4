"""Metrics for Prometheus: what this process saw, and what ledger, Dagster and the machine say when they are asked."""

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from export_pipelines.service.gauges import NAME, Gauges

if TYPE_CHECKING:
    from export_pipelines.service.service import Service


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
        registry.register(Gauges(service.project, service.runs.instance))
        return generate_latest(self.registry) + generate_latest(registry)
