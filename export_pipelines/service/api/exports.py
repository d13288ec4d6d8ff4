"""`/exports`: asking for exports, seeing what became of them, and fetching their files."""

import asyncio
import base64
import binascii
import re
from datetime import datetime
from functools import partial
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from export_pipelines.ledger import UNFINISHED, ExportRequest, Status
from export_pipelines.ledger.export_requests import Place
from export_pipelines.service.api.bodies import JsonBody, body_schema
from export_pipelines.service.api.fetching import FILE_ANSWERS, FileName, artifact_file, fetch
from export_pipelines.service.api.views import Export, export_view
from export_pipelines.service.asked import DATE_FORMATS
from export_pipelines.service.auth import Known
from export_pipelines.service.desk import Desk, looked_at
from export_pipelines.service.problems import Fault, Problem, answers, not_here
from export_pipelines.service.service import service_of

router = APIRouter(prefix="/exports", tags=["exports"])

MOST_WAIT_S = 60
LOOK_S, LONGEST_LOOK_S, LONGER = 0.2, 2.0, 1.25  # between looks while somebody waits, longer and longer
ID = r"^[0-9a-f]{24}$"
IDEMPOTENCY_KEY = r"^[\x21-\x7e]{1,200}$"
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)

Id = Annotated[str, Path(pattern=ID, description="24 hex digits.")]
Prefer = Annotated[
    str | None,
    Header(
        description="`wait=20` (RFC 7240): the answer waits up to so many seconds, at most 60, for the end."
    ),
]

NEW_EXPORT = {
    "title": "NewExport",
    "type": "object",
    "description": "An export of `exports/` by its name, with a window and overrides of its filter; or an ad-hoc export: every "
    "key of a file is taken (GET /schema), beside `start` and `end`, and LeadConduit's `filter_rules`, `email_to` and "
    "`date_format`.",
    "properties": {
        "export": {"type": "string", "description": "The name of an export in `exports/`."},
        "partition": {"type": "string", "description": "A key of its calendar: 2024-01-15."},
        "start": {"type": "string", "description": "Inclusive: 2024-01-15 or 2024-01-15T09:30:00Z."},
        "end": {"type": "string", "description": "Exclusive."},
        "filter": {
            "type": "object",
            "description": "Of a named export, keys that replace those of its filter.",
        },
        "any_hour": {"type": "boolean", "description": "Of a named export: outside of its quiet hours too."},
        "type": {"enum": ["lead", "event", "report"]},
        "fields": {"description": "`all`, a list of ids and globs, or a choice by rule."},
        "filter_rules": {"type": "array", "items": {"type": "object"}},
        "format": {"description": "csv, tsv, json, ndjson, parquet or xlsx; csv if it is left out."},
        "date_format": {"enum": [*DATE_FORMATS]},
        "email_to": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "privacy": {"type": "object"},
    },
}


@router.get(
    "",
    operation_id="listExports",
    summary="The exports that were asked for, newest first",
    responses={
        **answers(403, 422),
        200: {"headers": {"Link": {"description": "The next page.", "schema": {"type": "string"}}}},
    },
)
def list_exports(
    request: Request,
    response: Response,
    caller: Known,
    limit: Annotated[int, Query(ge=1, le=200, description="Of one page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="As the Link of a page says.")] = None,
    status: Annotated[list[Status] | None, Query(description="Only those.")] = None,
    export: Annotated[str | None, Query(max_length=200, description="Only of this one.")] = None,
) -> list[Export]:
    desk = Desk(service_of(request), caller)
    place = _place(cursor) if cursor is not None else None
    page = desk.page(limit + 1, place, status or (), export)
    if len(page) > limit:
        url = request.url.include_query_params(cursor=_cursor(page[limit - 1]))
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return [export_view(desk.project, each) for each in page[:limit]]


@router.post(
    "",
    operation_id="createExport",
    summary="Ask for an export",
    status_code=201,
    response_model=Export,
    responses={**answers(400, 403, 408, 413, 422), 200: {"model": Export, "description": "Asked for before"}},
    openapi_extra=body_schema(NEW_EXPORT),
)
async def create_export(
    request: Request,
    caller: Known,
    body: JsonBody,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=IDEMPOTENCY_KEY, description="Of two requests with one key and body, one export is made."
        ),
    ] = None,
    prefer: Prefer = None,
) -> JSONResponse:
    def create() -> tuple[Desk, ExportRequest, bool]:
        desk = Desk(service_of(request), caller)
        return desk, *desk.create(body, idempotency_key)

    desk, export, is_new = await anyio.to_thread.run_sync(create)
    headers = {"Location": f"/exports/{export.id}"}
    return await _when_ended(desk, export, prefer, 201 if is_new else 200, headers)


@router.get(
    "/{id}",
    operation_id="getExport",
    summary="One export, as it is now",
    response_model=Export,
    responses=answers(403, 404, 422),
)
async def get_export(request: Request, caller: Known, id: Id, prefer: Prefer = None) -> JSONResponse:
    def named() -> tuple[Desk, ExportRequest]:
        desk = Desk(service_of(request), caller)
        return desk, desk.named(id)

    desk, export = await anyio.to_thread.run_sync(named)
    return await _when_ended(desk, export, prefer, 200, {})


@router.delete(
    "/{id}",
    operation_id="deleteExport",
    summary="End and forget an export; what an ad-hoc export wrote is erased",
    status_code=204,
    responses=answers(403, 404, 409, 422),
)
def delete_export(request: Request, caller: Known, id: Id) -> None:
    Desk(service_of(request), caller).delete(id)


@router.get(
    "/{id}/files/{name}",
    operation_id="getExportFile",
    summary="A file of an export",
    response_class=Response,
    responses=FILE_ANSWERS,
)
@router.head(
    "/{id}/files/{name}",
    operation_id="headExportFile",
    summary="What a file of an export is",
    response_class=Response,
    responses=FILE_ANSWERS,
)
def get_export_file(request: Request, caller: Known, id: Id, name: FileName) -> Response:
    service = service_of(request)
    caller.require("download")
    asked = Desk(service, caller).named(id)
    if asked.artifact is None:
        raise not_here("file")
    return fetch(
        request, service, caller, artifact_file(service, caller, asked.artifact, name), request_id=id
    )


async def _when_ended(
    desk: Desk, asked: ExportRequest, prefer: str | None, status: int, headers: dict[str, str]
) -> JSONResponse:
    """Waits as long as the caller prefers; no thread waits with it."""
    seconds = wait_s(prefer)
    until = asyncio.get_running_loop().time() + (seconds or 0)
    look_s = LOOK_S
    while asked.status in UNFINISHED and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(look_s)
        look_s = min(look_s * LONGER, LONGEST_LOOK_S)
        latest = await desk.service.looks.look(asked.id, partial(looked_at, desk.service))
        if latest is None or latest.deleted_at:
            raise not_here("export")
        asked = latest
    if seconds is not None:
        headers["Preference-Applied"] = f"wait={seconds}"
    view = await anyio.to_thread.run_sync(export_view, desk.project, asked)
    return JSONResponse(view.model_dump(mode="json"), status, headers)


def wait_s(prefer: str | None) -> int | None:
    """The seconds of `wait` in the header Prefer, at most MOST_WAIT_S; None where it says nothing of it."""
    match = _WAIT.search(prefer or "")
    return min(int(match[1]), MOST_WAIT_S) if match else None


def _cursor(request: ExportRequest) -> str:
    text = f"{request.created_at.isoformat()} {request.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    """Raises Problem for what no page gave."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, id = base64.urlsafe_b64decode(padded.encode("ascii")).decode("ascii").split(" ")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or not re.match(ID, id):
            raise ValueError
    except (ValueError, binascii.Error):
        detail = "that is no cursor: take it from the Link of a page"
        raise Problem(422, "request", detail, [Fault(detail=detail, parameter="cursor")]) from None
    return at, id
