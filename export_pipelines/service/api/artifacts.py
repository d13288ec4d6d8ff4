"""`/artifacts`: what was written, by whatever asked for it, and its files."""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import ExportError
from export_pipelines.listings import artifact_listing
from export_pipelines.recipes import READERS
from export_pipelines.recipes.stored import recipe_of
from export_pipelines.recipes.table import TABLE_NAME
from export_pipelines.service.api.fetching import FILE_ANSWERS, FileName, artifact_file, artifact_of, fetch
from export_pipelines.service.auth import Caller, Known
from export_pipelines.service.problems import answers, problem_of
from export_pipelines.service.service import Service, service_of
from export_pipelines.service.visible import may_see, require_fetch

router = APIRouter(prefix="/artifacts", tags=["artifacts"])

ExportName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]*$", max_length=200)]
WindowKey = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,60}$")]
Token = Annotated[str, Path(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$")]
ReaderName = Annotated[str, Path(json_schema_extra={"enum": list(READERS)})]
ARTIFACT_PATH = "/{export}/{window}/{token}"


class Window(BaseModel):
    start: datetime
    end: datetime
    key: str


class Part(BaseModel):
    name: str
    rows: int
    bytes: int
    sha256: str


class Artifact(BaseModel):
    """`bytes` as written, `raw_bytes` before compression; `version` is that by which readers know the columns, `changes` as in
    the manifest."""

    artifact: str
    export: str
    window: Window
    created_at: datetime
    rows: int
    bytes: int
    raw_bytes: int
    format: str
    codec: str
    schema_version: int
    changes: dict[str, Any] | None
    version: int
    recipes: list[str]
    parts: list[Part]


@router.get(
    "",
    operation_id="listArtifacts",
    summary="The artifacts in the store that the caller may fetch, newest first",
    responses={
        **answers(403, 422),
        200: {"headers": {"Link": {"description": "The next page.", "schema": {"type": "string"}}}},
    },
)
def list_artifacts(
    request: Request,
    response: Response,
    caller: Known,
    export: Annotated[str | None, Query(max_length=200, description="Only of this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[
        str | None, Query(max_length=500, description="The last artifact of the page before.")
    ] = None,
) -> list[Artifact]:
    caller.require("view")
    service = service_of(request)
    manifests = iter(service.project.store.manifests(export))
    if after is not None:
        any(manifest.artifact == after for manifest in manifests)  # goes on behind it
    page = list(
        islice((manifest for manifest in manifests if is_shown(service, caller, manifest)), limit + 1)
    )
    if len(page) > limit:
        url = request.url.include_query_params(after=page[limit - 1].artifact)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return [Artifact(**artifact_listing(manifest)) for manifest in page[:limit]]


@router.get(
    ARTIFACT_PATH,
    operation_id="getArtifact",
    summary="The manifest of an artifact, as it is stored",
    response_class=Response,
    responses={
        **answers(403, 404, 422),
        200: {"content": {"application/json": {"schema": {"type": "object"}}}},
    },
)
def get_artifact(
    request: Request, caller: Known, export: ExportName, window: WindowKey, token: Token
) -> Response:
    manifest = artifact_of(service_of(request), caller, f"{export}/{window}/{token}")
    return Response(manifest.to_json(), media_type="application/json")


@router.get(
    ARTIFACT_PATH + "/recipe/{reader}",
    operation_id="getArtifactRecipe",
    summary="How another program loads an artifact: what is lost, the table, the statement, a check",
    response_class=PlainTextResponse,
    responses=answers(403, 404, 422),
)
def get_artifact_recipe(
    request: Request,
    caller: Known,
    export: ExportName,
    window: WindowKey,
    token: Token,
    reader: ReaderName,
    table: Annotated[
        str | None, Query(pattern=f"^{TABLE_NAME.pattern}$", max_length=200, description="The table to make.")
    ] = None,
) -> PlainTextResponse:
    service = service_of(request)
    manifest = artifact_of(service, caller, f"{export}/{window}/{token}")
    try:
        return PlainTextResponse(recipe_of(manifest, service.project.store, reader, table).text)
    except ExportError as error:
        raise problem_of(error) from None


@router.get(
    ARTIFACT_PATH + "/files/{name}",
    operation_id="getArtifactFile",
    summary="A file of an artifact",
    response_class=Response,
    responses=FILE_ANSWERS,
)
@router.head(
    ARTIFACT_PATH + "/files/{name}",
    operation_id="headArtifactFile",
    summary="What a file of an artifact is",
    response_class=Response,
    responses=FILE_ANSWERS,
)
def get_artifact_file(
    request: Request, caller: Known, export: ExportName, window: WindowKey, token: Token, name: FileName
) -> Response:
    service = service_of(request)
    file = artifact_file(service, caller, f"{export}/{window}/{token}", name)
    return fetch(request, service, caller, file)


def is_shown(service: Service, caller: Caller, manifest: Manifest) -> bool:
    if "download" not in caller.permissions:
        return may_see(service, caller, manifest.export)
    try:
        require_fetch(service, caller, manifest)
    except ExportError:
        return False
    return True
