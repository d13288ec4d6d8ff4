"""Takes requests for exports, tells what became of them, and ends them: what the API and the page do."""

import logging
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from export_pipelines.artifact_of_run import check_run
from export_pipelines.definition.reserved_names import AD_HOC
from export_pipelines.erasure.erase import Eraser
from export_pipelines.errors import ExportError, OnHold, RetryableError
from export_pipelines.ledger import UNFINISHED, AuditAction, ExportRequest
from export_pipelines.ledger.export_requests import Place, Status, Written
from export_pipelines.orchestration.requests import RunState
from export_pipelines.plan import Plan, compile_plan
from export_pipelines.project import Project
from export_pipelines.service.asked import Asked, asked_for, digest
from export_pipelines.service.auth import Caller
from export_pipelines.service.problems import Fault, Problem, not_here, problem_of
from export_pipelines.service.service import Service

log = logging.getLogger(__name__)

LOST_AFTER = timedelta(seconds=20)  # of a request whose run Dagster does not know
QUEUE_RETRY_S = 10
CUT = "more than "  # begins what a plan says of a grant that lets fewer rows through


class Desk:
    """The requests of one caller; an admin sees those of all."""

    def __init__(self, service: Service, caller: Caller) -> None:
        self.service, self.caller = service, caller
        self.project, self.requests = service.project, service.project.export_requests

    def create(self, body: Any, idempotency_key: str | None = None) -> tuple[ExportRequest, bool]:
        """The request, and whether it is a new one. Raises Problem, and then nothing was written."""
        self.caller.require("create")
        body_sha256 = digest(body)
        earlier = self.requests.of_key(self.caller.principal, idempotency_key)
        if earlier:
            return self._same(earlier, body_sha256), False
        now = self.project.now()
        id = new_id(now)
        asked = asked_for(self.project, self.caller, body, f"{AD_HOC}{id}", self.service.settings.keep_days)
        expected = self._admit(asked)
        request = self._request(id, asked, now, expected, idempotency_key, body_sha256)
        kept = self.requests.add(request, self.service.settings.queue)
        if kept is None:
            detail = f"{self.service.settings.queue} exports of yours have not ended; wait for one"
            raise Problem(429, "queue_full", detail, headers={"Retry-After": str(QUEUE_RETRY_S)})
        if kept.id != request.id:
            return self._same(kept, body_sha256), False
        self.service.metrics.requests.inc()
        self.service.audit(
            self.caller.principal,
            AuditAction.REQUESTED,
            request.export,
            request_id=id,
            window=request.window_key,
        )
        self._submit(request, asked)
        return request, True

    def named(self, id: str) -> ExportRequest:
        """As it is now. Raises Problem for one that is not there, or not the caller's."""
        self.caller.require("view")
        request = self.requests.named(id)
        if request is None or request.deleted_at or request.expires_at <= self.project.now():
            raise not_here("export")
        if request.requester != self.caller.principal and not self.caller.is_admin:
            raise not_here("export")
        return self.refreshed([request])[0]

    def page(
        self, limit: int, before: Place | None, statuses: Sequence[Status], export: str | None
    ) -> list[ExportRequest]:
        """The newest first."""
        self.caller.require("view")
        requester = None if self.caller.is_admin else self.caller.principal
        self.refreshed(self.requests.unfinished())
        return self.requests.page(self.project.now(), limit, requester, before, statuses, export)

    def delete(self, id: str) -> None:
        """Ends its run, erases what an ad-hoc export wrote, and leaves the request out of lists. Raises Problem, and does
        nothing, where that is on hold."""
        self.caller.require("create")
        request, project = self.named(id), self.project
        is_ad_hoc, why = request.definition is not None, {"why": "request deleted", "request_id": id}
        store = project.recorded_store("erase", self.caller.principal)
        eraser = Eraser(store, project.ledger, self.caller.principal, project.now)
        manifests = project.store.manifests(request.export) if is_ad_hoc else []
        targets = {manifest.artifact: manifest for manifest in manifests}
        try:
            eraser.require_free(targets, why)
        except OnHold:  # its text has the hold's reason, which is not the caller's to know
            raise Problem(409, "held", "what the export wrote is on hold, and is not erased") from None
        if request.status in UNFINISHED:
            self.service.runs.cancel(request.run_id)
        for artifact in targets:
            eraser.erase(artifact, why)
        now = self.project.now()  # what a run that is being ended still writes is swept
        self.requests.change(id, deleted_at=now, expires_at=now)
        self.service.audit(self.caller.principal, AuditAction.REQUEST_DELETED, request.export, request_id=id)

    def refreshed(self, requests: Sequence[ExportRequest]) -> list[ExportRequest]:
        """The requests as they are now; an end that was seen is kept."""
        return refreshed(self.service, requests)

    def plan(self, asked: Asked) -> Plan:
        """Raises Problem."""
        try:
            request = self.project.request_of(self.caller.asker, asked.definition, asked.window)
            return compile_plan(request)
        except ExportError as error:
            raise problem_of(error, asked.moved) from None

    def _admit(self, asked: Asked) -> int | None:
        """The rows that the run will write, at least, as far as they can be counted; nothing is read. Raises Problem."""
        from export_pipelines.delivery import open_destination

        plan = self.plan(asked)
        for number, entry in enumerate(asked.definition.deliver):
            try:
                open_destination(entry, self.project.resources)
            except ExportError as error:
                key = asked.moved.get(("deliver", number), ("deliver", number))
                raise Problem.at(str(error), *key, code=error.code) from None
        try:
            return check_run(plan, self.project.source()) or None
        except ExportError as error:
            raise problem_of(error, asked.moved) from None

    def _request(
        self,
        id: str,
        asked: Asked,
        now: datetime,
        expected: int | None,
        idempotency_key: str | None,
        body_sha256: str,
    ) -> ExportRequest:
        return ExportRequest(
            id=id,
            run_id=str(uuid.uuid4()),
            requester=self.caller.principal,
            export=asked.definition.name,
            definition=asked.written,
            partition=asked.partition,
            window_key=asked.window.key,
            start=asked.window.start,
            end=asked.window.end,
            overrides=asked.definition.overrides,
            any_hour=asked.any_hour,
            idempotency_key=idempotency_key,
            body_sha256=body_sha256,
            created_at=now,
            expires_at=now + timedelta(days=self.service.settings.keep_days),
            status="created",
            expected_rows=expected,
        )

    def _submit(self, request: ExportRequest, asked: Asked) -> None:
        """What Dagster does not take now is submitted later: the request stands in the ledger."""
        try:
            self.service.runs.submit(request, asked.definition)
        except RetryableError as error:
            log.warning("not submitted yet", extra={"request": request.id, "reason": error.what})

    def _same(self, earlier: ExportRequest, body_sha256: str) -> ExportRequest:
        """Raises Problem where the idempotency key was used for something else."""
        if earlier.body_sha256 != body_sha256:
            detail = "the idempotency key was used for another request"
            raise Problem(422, "idempotency_key", detail, [Fault(detail=detail, parameter="Idempotency-Key")])
        return self.refreshed([earlier])[0]


def new_id(now: datetime) -> str:
    """24 hex digits, of which the first 8 are the time, as LeadConduit's."""
    return f"{int(now.timestamp()):08x}{secrets.token_hex(8)}"


def refreshed(service: Service, requests: Sequence[ExportRequest]) -> list[ExportRequest]:
    """See Desk.refreshed."""
    open_ids = [request.run_id for request in requests if request.status in UNFINISHED]
    if not open_ids:
        return list(requests)
    written = service.project.export_requests.written_by(open_ids)
    states = service.runs.states(open_ids)
    return [
        _seen(service.project, request, written.get(request.run_id), states.get(request.run_id))
        if request.status in UNFINISHED
        else request
        for request in requests
    ]


def looked_at(service: Service, ids: Iterable[str]) -> dict[str, ExportRequest]:
    """Requests as they are now, by their ids; whoever asks is known to see them."""
    requests = service.project.export_requests.of_ids(tuple(ids))
    return {request.id: request for request in refreshed(service, requests)}


def submit_lost(service: Service) -> None:
    """Submits the requests whose run Dagster does not know: the process that took them died, or Dagster was away."""
    project = service.project
    waiting = [
        request
        for request in project.export_requests.unfinished()
        if request.created_at < project.now() - LOST_AFTER and not request.deleted_at
    ]
    states = service.runs.states([request.run_id for request in waiting])
    lost = [
        request for request in waiting if (state := states.get(request.run_id)) is None or not state.is_queued
    ]
    for request in refreshed(service, lost):
        if request.status in UNFINISHED:
            _submit_again(service, project, request)


def _submit_again(service: Service, project: Project, request: ExportRequest) -> None:
    try:
        service.runs.submit(request, project.definition(request.export, request.overrides or None))
    except RetryableError as error:
        log.warning("not submitted yet", extra={"request": request.id, "reason": error.what})
    except ExportError as error:
        project.export_requests.change(request.id, status="error", reason=str(error), ended_at=project.now())


def _seen(
    project: Project, request: ExportRequest, written: Written | None, state: RunState | None
) -> ExportRequest:
    values: Mapping[str, Any]
    if state and state.status == "error":
        reason = state.reason or "the run failed"
        values = {"status": "error", "reason": reason, "artifact": written.artifact if written else None}
    elif written and not written.missing:
        status = "truncated" if _is_cut(project, written.artifact) else "complete"
        values = {"status": status, "artifact": written.artifact, "rows": written.rows}
    elif state and state.status == "complete":
        values = {"status": "error", "reason": "the run ended without an artifact"}
    else:
        if state and state.status == "processing" and request.status == "created":
            return replace(request, status="processing")
        return request
    values = {**values, "ended_at": project.now()}
    project.export_requests.change(request.id, **values)
    return replace(request, **values)


def _is_cut(project: Project, artifact: str) -> bool:
    """Whether the requester's rights let fewer rows through than there were."""
    try:
        manifest = project.store.manifest(artifact)
    except ExportError:  # it is gone already
        return False
    narrowed: Any = manifest.rights.get("narrowed") or ()
    return any(str(text).startswith(CUT) and str(text).endswith(" rows") for text in narrowed)
