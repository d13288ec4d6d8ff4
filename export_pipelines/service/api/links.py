"""Links to artifacts: made and revoked by who may fetch them, followed by who has them."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations.link import MOST_DAYS
from export_pipelines.errors import Denied, RequestError
from export_pipelines.ledger import AuditAction, Link, Links
from export_pipelines.service.addresses import address_of, network_of
from export_pipelines.service.api.artifacts import ARTIFACT_PATH, ExportName, Token, WindowKey
from export_pipelines.service.api.fetching import FILE_ANSWERS, FileName, artifact_of, bytes_of, file_of
from export_pipelines.service.api.views import File, files_of
from export_pipelines.service.auth import Known, link_maker
from export_pipelines.service.conditions import Answer
from export_pipelines.service.downloads import FileResponse
from export_pipelines.service.file_parts import FilePart
from export_pipelines.service.problems import Problem, answers, not_here
from export_pipelines.service.service import Service, service_of
from export_pipelines.service.visible import require_fetch
from export_pipelines.signed_links import link_of, link_url, new_link

router = APIRouter(tags=["links"])

LinkToken = Annotated[str, Path(pattern=r"^[0-9a-f]{24}\.[0-9]{1,12}\.[A-Za-z0-9_-]{43}$")]
LinkId = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")]


class NewLink(BaseModel):
    """For one recipient; with `single_use` each file can be fetched once."""

    model_config = ConfigDict(extra="forbid")

    recipient: str = Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+$")
    days: int = Field(7, ge=1, le=MOST_DAYS)
    single_use: bool = False


class LinkView(BaseModel):
    id: str
    artifact: str
    recipient: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    single_use: bool
    state: str


class MadeLink(LinkView):
    """`url` is told this once."""

    url: str


class Linked(BaseModel):
    """What a link gives."""

    artifact: str
    expires_at: datetime
    files: list[File]


@router.post(
    "/artifacts" + ARTIFACT_PATH + "/links",
    operation_id="createLink",
    summary="A signed link to an artifact, for one recipient",
    status_code=201,
    tags=["artifacts"],
    responses=answers(400, 403, 404, 408, 413, 422),
)
def create_link(
    request: Request, caller: Known, export: ExportName, window: WindowKey, token: Token, body: NewLink
) -> MadeLink:
    caller.require("download")
    service = service_of(request)
    manifest = artifact_of(service, caller, f"{export}/{window}/{token}")
    project = service.project
    link, signed = new_link(
        project.ledger,
        project.settings,
        project.now,
        manifest,
        body.recipient,
        caller.principal,
        timedelta(days=body.days),
        body.single_use,
    )
    return MadeLink(**_view(service, link).model_dump(), url=link_url(project.settings, signed))


@router.get(
    "/artifacts" + ARTIFACT_PATH + "/links",
    operation_id="listLinks",
    summary="The links to an artifact",
    tags=["artifacts"],
    responses=answers(403, 404, 422),
)
def list_links(
    request: Request, caller: Known, export: ExportName, window: WindowKey, token: Token
) -> list[LinkView]:
    service = service_of(request)
    manifest = artifact_of(service, caller, f"{export}/{window}/{token}")
    links = Links(service.project.ledger.engine).of_artifact(manifest.artifact)
    return [_view(service, link) for link in links if caller.is_admin or link.created_by == caller.principal]


@router.delete(
    "/artifacts" + ARTIFACT_PATH + "/links/{id}",
    operation_id="revokeLink",
    summary="Revoke a link, also for a download that runs",
    status_code=204,
    tags=["artifacts"],
    responses=answers(403, 404, 422),
)
def revoke_link(
    request: Request, caller: Known, export: ExportName, window: WindowKey, token: Token, id: LinkId
) -> None:
    service = service_of(request)
    links = Links(service.project.ledger.engine)
    link = links.named(id)
    if link is None or link.artifact != f"{export}/{window}/{token}":
        raise not_here("link")
    if not (caller.is_admin or link.created_by == caller.principal):
        raise not_here("link")
    links.revoke(id, service.project.now())
    service.audit(caller.principal, AuditAction.LINK_CHANGED, link.artifact, change="revoked", link=id)


@router.get(
    "/links/{token}",
    operation_id="followLink",
    summary="What a link gives",
    responses=answers(404, 422),
)
def follow_link(request: Request, token: LinkToken) -> Linked:
    service = service_of(request)
    link, manifest = _followed(request, service, token)
    files = files_of(manifest, f"/links/{token}")
    return Linked(artifact=link.artifact, expires_at=link.expires_at, files=files)


@router.get(
    "/links/{token}/files/{name}",
    operation_id="getLinkedFile",
    summary="A file that a link gives",
    response_class=Response,
    responses=FILE_ANSWERS,
)
@router.head(
    "/links/{token}/files/{name}",
    operation_id="headLinkedFile",
    summary="What a file is that a link gives",
    response_class=Response,
    responses=FILE_ANSWERS,
)
def get_linked_file(request: Request, token: LinkToken, name: FileName) -> Response:
    service = service_of(request)
    link, manifest = _followed(request, service, token)
    file = file_of(service, link.created_by, manifest, name)
    return FileResponse(
        file,
        service.metrics,
        service.settings.stalled_s,
        partial(_good, service, token),
        partial(_started, service, link, file, network_of(address_of(request))),
        {"Cache-Control": "private, no-store, no-transform"},
        _presigned_s(service, link),
    )


def _presigned_s(service: Service, link: Link) -> int:
    """How long a URL into the bucket is good: not longer than the link."""
    left_s = int((link.expires_at - service.project.now()).total_seconds())
    return 0 if link.single_use else max(0, min(service.settings.presigned_s, left_s))


def _followed(request: Request, service: Service, token: str) -> tuple[Link, Manifest]:
    """Raises Problem, the same for every link that is not good."""
    try:
        return _good(service, token)
    except (Denied, RequestError) as error:
        service.deny(address_of(request), error)
        raise not_here("link") from None


def _good(service: Service, token: str) -> tuple[Link, Manifest]:
    """Raises ExportError once the link or the artifact are gone, or whoever made it may not fetch it any more."""
    project = service.project
    link = link_of(project.ledger, project.settings, project.now, token)
    manifest = project.store.manifest(link.artifact)
    require_fetch(service, link_maker(project, link.created_by), manifest)
    return link, manifest


def _started(service: Service, link: Link, file: FilePart, network: str, answer: Answer) -> None:
    """Raises Problem where a link of single use was used for the file before."""
    project = service.project
    if link.single_use and not Links(project.ledger.engine).use(link.id, file.part.name, project.now()):
        raise Problem(410, "used", "the link was good for one download, and was used")
    about = {"file": file.part.name, "network": network, **bytes_of(answer)}
    service.note_download(link.created_by, file.manifest, link=link.id, **about)


def _view(service: Service, link: Link) -> LinkView:
    return LinkView(
        id=link.id,
        artifact=link.artifact,
        recipient=link.recipient,
        created_by=link.created_by,
        created_at=link.created_at,
        expires_at=link.expires_at,
        single_use=link.single_use,
        state=link.state(service.project.now()),
    )
