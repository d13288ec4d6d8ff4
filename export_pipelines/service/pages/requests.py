"""Exports that were asked for: the list of them, and a page for each with its progress and its files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from export_pipelines.ledger import UNFINISHED, ExportRequest
from export_pipelines.service.api.exports import get_export_file
from export_pipelines.service.api.fetching import FileName
from export_pipelines.service.api.views import export_view
from export_pipelines.service.desk import Desk
from export_pipelines.service.pages.rendering import ROOT, page
from export_pipelines.service.pages.session import Posted, SignedIn
from export_pipelines.service.service import service_of

router = APIRouter()

SHOWN = 50
LOOK_S = 2  # between looks of a browser without JavaScript
PARTIAL = "x-partial"
ID = r"^[0-9a-f]{24}$"
Id = Annotated[str, Path(pattern=ID)]
STATUSES = {
    "created": ("busy", "waits for its turn"),
    "processing": ("busy", "is being written"),
    "complete": ("good", "done"),
    "truncated": ("good", "done, with fewer rows than there are: your role lets no more through"),
    "error": ("bad", "failed"),
}


@dataclass(frozen=True)
class Pace:
    """Rows a second since the last look, and the seconds that are left; None where that cannot be said."""

    rows_per_s: float | None
    left_s: int | None


@router.get("/requests")
def list_requests(
    request: Request, caller: SignedIn, before: Annotated[str, Query(pattern=ID)] | None = None
) -> Response:
    """The newest, or those that are older than the request `before`."""
    desk = Desk(service_of(request), caller)
    newer = desk.named(before) if before else None
    requests = desk.page(SHOWN + 1, (newer.created_at, newer.id) if newer else None, (), None)
    older = f"{ROOT}/requests?before={requests[SHOWN - 1].id}" if len(requests) > SHOWN else None
    return page("requests.html", request, caller, requests=requests[:SHOWN], statuses=STATUSES, older=older)


@router.get("/requests/{id}")
def show_request(
    request: Request, caller: SignedIn, id: Id, rows: int | None = None, at: float | None = None
) -> Response:
    """`rows` and `at` are what the page showed at its last look, by which the pace is told."""
    service = service_of(request)
    asked = Desk(service, caller).named(id)
    now = service.project.now()
    is_open = asked.status in UNFINISHED
    refresh = f"{ROOT}/requests/{id}?rows={asked.rows}&at={now.timestamp():.1f}"
    template = "request_progress.html" if PARTIAL in request.headers else "request.html"
    return page(
        template,
        request,
        caller,
        export=export_view(service.project, asked),
        status=200,
        state=STATUSES[asked.status],
        is_open=is_open,
        pace=_pace(asked, now, rows, at),
        refresh=refresh if is_open else None,
        look_s=LOOK_S,
        may_download="download" in caller.permissions,
        is_ad_hoc=asked.definition is not None,
    )


@router.post("/requests/{id}/cancel")
def cancel(request: Request, caller: SignedIn, form: Posted, id: Id) -> Response:
    """Ends the run, and erases what an ad-hoc export wrote."""
    Desk(service_of(request), caller).delete(id)
    return RedirectResponse(f"{ROOT}/requests", 303)


@router.get("/requests/{id}/files/{name}")
def download(request: Request, caller: SignedIn, id: Id, name: FileName) -> Response:
    return get_export_file(request, caller, id, name)


def _pace(asked: ExportRequest, now: datetime, rows: int | None, at: float | None) -> Pace:
    since = at if at is not None and rows is not None and rows <= asked.rows else asked.created_at.timestamp()
    before = rows if since == at and rows is not None else 0
    seconds = now.timestamp() - since
    per_s = (asked.rows - before) / seconds if seconds > 0 and asked.rows > before else None
    left = (asked.expected_rows or 0) - asked.rows
    return Pace(per_s, round(left / per_s) if per_s and left > 0 else None)
