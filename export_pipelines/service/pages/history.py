"""The history of an export: its artifacts with their files and downloads, its deliveries with receipts, its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.export import Cadence
from export_pipelines.definition.words import read_day
from export_pipelines.errors import ExportError
from export_pipelines.listings import artifact_listing
from export_pipelines.orchestration.observed_runs import ObservedRun
from export_pipelines.plan.partitions import partition_start
from export_pipelines.service.api.artifacts import (
    Artifact,
    ExportName,
    Token,
    WindowKey,
    get_artifact_file,
    is_shown,
)
from export_pipelines.service.api.deliveries import DeliveryView, Retry, list_deliveries, retry_delivery
from export_pipelines.service.api.fetching import FileName
from export_pipelines.service.api.views import Download, downloads_of
from export_pipelines.service.auth import Caller
from export_pipelines.service.desk import Desk
from export_pipelines.service.pages.rendering import ROOT, page
from export_pipelines.service.pages.session import Posted, SignedIn
from export_pipelines.service.problems import Problem, not_here
from export_pipelines.service.service import Service, service_of
from export_pipelines.service.visible import may_see

router = APIRouter()

SHOWN, RUNS = 20, 10
MOST_SKIPPED = 100_000
Name = Annotated[str, Path(max_length=200)]
STATES = {
    "due": ("busy", "waits to be sent"),
    "sending": ("busy", "is being sent"),
    "retrying": ("busy", "failed, and is tried again"),
    "delivered": ("good", "arrived"),
    "failed": ("bad", "failed"),
    "uncertain": ("bad", "may have arrived"),
    "withdrawn": ("none", "replaced by a newer file"),
}
PARTITIONS: dict[Cadence, tuple[str, str]] = {  # what is asked for, and what an empty answer means
    "daily": ("Day", "the last complete day"),
    "weekly": ("Any day of the week", "the last complete week"),
    "weekly of month": ("Any day of the week", "the last complete week"),
    "monthly": ("Any day of the month", "the last complete month"),
}
RUN_STATES = {
    "queued": ("busy", "waits"),
    "running": ("busy", "running"),
    "done": ("good", "done"),
    "failed": ("bad", "failed"),
    "cancelled": ("none", "cancelled"),
}


@dataclass(frozen=True)
class Entry:
    """An artifact with all that became of it."""

    artifact: Artifact
    deliveries: Sequence[DeliveryView]
    downloads: Sequence[Download]


@router.get("/exports/{name}")
def history(
    request: Request, caller: SignedIn, name: Name, skip: Annotated[int, Query(ge=0, le=MOST_SKIPPED)] = 0
) -> Response:
    """`skip` files are newer than those of this page."""
    service = service_of(request)
    definition, faults = named(service, caller, name)
    entries = _entries(request, service, caller, name, skip)
    runs: Sequence[ObservedRun] = service.observed().runs(definition, RUNS) if definition else ()
    return page(
        "history.html",
        request,
        caller,
        name=name,
        definition=definition,
        faults=faults,
        entries=entries[:SHOWN],
        older=f"{ROOT}/exports/{name}?skip={skip + SHOWN}" if len(entries) > SHOWN else None,
        is_newest=skip == 0,
        rows=[entry.artifact.rows for entry in reversed(entries[:SHOWN])],
        runs=runs,
        next_at=service.observed().next_times(service.project.now()).get(name),
        states=STATES,
        run_states=RUN_STATES,
        partitions=PARTITIONS,
        may_create="create" in caller.permissions,
        may_download="download" in caller.permissions,
    )


@router.post("/exports/{name}/run")
def run(request: Request, caller: SignedIn, form: Posted, name: Name) -> Response:
    """Asks for a partition of the export, or its last complete window."""
    service = service_of(request)
    definition, _ = named(service, caller, name)
    body = {"export": name}
    if day := form.get("partition", "").strip():
        body["partition"] = _partition(definition, day)
    created, _ = Desk(service, caller).create(body)
    return RedirectResponse(f"{ROOT}/requests/{created.id}", 303)


@router.post("/deliveries/{id}/retry")
def retry(
    request: Request, caller: SignedIn, form: Posted, id: Annotated[str, Path(max_length=200)]
) -> Response:
    retry_delivery(request, caller, id, Retry(again=bool(form.get("again"))))
    export = service_of(request).project.ledger.delivery(id).export
    return RedirectResponse(f"{ROOT}/exports/{export}", 303)


@router.get("/artifacts/{export}/{window}/{token}/files/{name}")
def download(
    request: Request, caller: SignedIn, export: ExportName, window: WindowKey, token: Token, name: FileName
) -> Response:
    return get_artifact_file(request, caller, export, window, token, name)


def _partition(definition: ExportDefinition | None, day: str) -> str:
    """The key of the partition that holds `day`. Raises Problem."""
    try:
        cadence = definition.partition if definition else None
        return partition_start(cadence, read_day(day)).isoformat() if cadence else day
    except ValueError:
        raise Problem.at("choose a day of the calendar", "partition") from None


def named(service: Service, caller: Caller, name: str) -> tuple[ExportDefinition | None, Sequence[str]]:
    """An export that the caller may see, or the faults of its file. Raises Problem."""
    caller.require("view")
    loaded = service.project.loaded
    if name not in loaded.names or not may_see(service, caller, name):
        raise not_here("export")
    if name in loaded.broken:
        return None, loaded.broken[name].faults
    return loaded.named(name), ()


def _entries(request: Request, service: Service, caller: Caller, name: str, skip: int) -> list[Entry]:
    """One more than a page shows, where there is one."""
    try:
        manifests = service.project.store.manifests(name)
        shown = list(
            islice((each for each in manifests if is_shown(service, caller, each)), skip, skip + SHOWN + 1)
        )
    except ExportError as error:
        raise Problem(503, error.code, str(error)) from None
    by_artifact: dict[str, list[DeliveryView]] = {}
    for delivery in list_deliveries(request, caller, export=name, artifact=None, state=None, limit=200):
        by_artifact.setdefault(delivery.artifact, []).append(delivery)
    return [
        Entry(
            Artifact(**artifact_listing(manifest)),
            by_artifact.get(manifest.artifact, ()),
            downloads_of(service.project, manifest.artifact),
        )
        for manifest in shown
    ]
