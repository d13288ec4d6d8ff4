"""What all requests of one process share: the project as its files are now, its runs, counters and limits."""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import Request

from export_pipelines.artifacts import Manifest
from export_pipelines.audit.records import opened
from export_pipelines.errors import ExportError
from export_pipelines.ledger import AuditAction, AuditOutcome, AuditRecord, ExportRequest
from export_pipelines.orchestration.observed_runs import ObservedRuns
from export_pipelines.orchestration.requests import RequestedRuns
from export_pipelines.project import Project
from export_pipelines.service.addresses import network_of
from export_pipelines.service.file_parts import Proofs
from export_pipelines.service.limits import Tokens, throttled
from export_pipelines.service.looks import Looks
from export_pipelines.service.metrics import Metrics
from export_pipelines.service.settings import ServiceSettings

log = logging.getLogger(__name__)

LOOK_S = 1.0  # between looks at whether a definition has changed


class Service:
    """Made once for a process; safe for several threads."""

    def __init__(self, project: Project, runs: RequestedRuns, settings: ServiceSettings) -> None:
        self.settings, self.runs, self.metrics = settings, runs, Metrics()
        self.public_url = project.settings.public_url
        self.requests_by_principal = Tokens(settings.requests_per_s, settings.requests_at_once)
        self.denials_by_address = Tokens(settings.denials_per_minute / 60, settings.denials_per_minute)
        self.proofs = Proofs()
        self.looks: Looks[ExportRequest] = Looks()
        self._project, self._lock = project, threading.Lock()
        self._stamp, self._looked_at = _stamp(project), time.monotonic()

    @property
    def project(self) -> Project:
        """With its exports as their files are now; in the event loop, which reads no files, as they were at the last look."""
        is_due = time.monotonic() - self._looked_at > LOOK_S and not _in_event_loop()
        if is_due and self._lock.acquire(blocking=False):
            try:
                self._renew()
            finally:
                self._lock.release()
        return self._project

    def look_again(self) -> None:
        """The next use of `project` reads definitions that have changed."""
        self._looked_at = float("-inf")

    def observed(self) -> ObservedRuns:
        """What Dagster knows of the exports as they are now."""
        return ObservedRuns(self.project, self.runs.instance)

    def audit(
        self,
        actor: str,
        action: AuditAction,
        subject: str,
        outcome: AuditOutcome = AuditOutcome.DONE,
        **detail: Any,
    ) -> None:
        """An entry of the audit, which holds no key and no lead's value."""
        self._project.trail.record(AuditRecord(actor, action, subject, outcome, detail=detail))

    def note_download(self, actor: str, manifest: Manifest, **detail: Any) -> None:
        """That a file of the artifact was sent, and of a sealed one that its data key was used."""
        records = [
            replace(record, detail={**record.detail, **detail})
            if record.action == AuditAction.DOWNLOAD
            else record
            for record in opened([manifest], actor, read=True)
        ]
        self._project.trail.record(*records)

    def deny(self, address: str, error: ExportError, **detail: Any) -> None:
        """Somebody from `address` has no good key or link, which is kept in the audit. Raises Problem for an address that tries
        too many; who has a good one is served from there all the same."""
        self.metrics.denials.labels(error.code).inc()
        if wait_s := self.denials_by_address.wait_s(address):
            raise throttled(wait_s)
        self.audit(
            "unknown",
            AuditAction.DENIED,
            "authentication",
            AuditOutcome.DENIED,
            network=network_of(address),
            code=error.code,
            **detail,
        )

    def _renew(self) -> None:
        self._looked_at = time.monotonic()
        stamp = _stamp(self._project)
        if stamp == self._stamp:
            return
        project = self._project.reread()
        project.ledger, project.access = self._project.ledger, self._project.access
        self.runs.renew(project)
        self._project, self._stamp = project, stamp
        log.info("definitions read again", extra={"exports": len(project.loaded.definitions)})


def service_of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _stamp(project: Project) -> Mapping[Path, tuple[int, int]]:
    """The exports' files, by the time and size of each."""
    stamps: dict[Path, tuple[int, int]] = {}
    try:
        for path in project.settings.definitions.iterdir():
            status = path.stat()
            stamps[path] = status.st_mtime_ns, status.st_size
    except OSError:
        return stamps
    return stamps
