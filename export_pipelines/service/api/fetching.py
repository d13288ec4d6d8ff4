"""Files of artifacts for callers: whether they may have them, and the entry of the audit for each fetch."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import Response

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.texts_beside import TextsBeside
from export_pipelines.errors import Denied, RequestError
from export_pipelines.recipes.files import recipe_files, with_recipe_files
from export_pipelines.service.addresses import address_of, network_of
from export_pipelines.service.auth import Caller, caller_with
from export_pipelines.service.conditions import Answer
from export_pipelines.service.downloads import REDIRECT, FileResponse
from export_pipelines.service.file_parts import FilePart
from export_pipelines.service.problems import answers, not_here
from export_pipelines.service.service import Service
from export_pipelines.service.visible import require_fetch

FileName = Annotated[str, Path(min_length=1, max_length=255, description="As `files` names it.")]

_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_FILE_HEADERS = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in {
        "ETag": "Strong: the SHA-256 of the file.",
        "Repr-Digest": "The SHA-256 (RFC 9530).",
        "Accept-Ranges": "bytes",
        "Content-Disposition": "The name of the file.",
    }.items()
}
FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    **answers(403, 404, 410, 412, 416, 422),
    200: {
        "description": "The file",
        "content": {"*/*": _BINARY["application/octet-stream"]},
        "headers": _FILE_HEADERS,
    },
    206: {"description": "A part of it", "content": {"*/*": _BINARY["application/octet-stream"]}},
    304: {"description": "Not modified"},
    307: {
        "description": "Where the bucket gives it, for a short time",
        "headers": {"Location": {"description": "A presigned URL.", "schema": {"type": "string"}}},
    },
}


def artifact_of(service: Service, caller: Caller, artifact: str) -> Manifest:
    """The manifest of an artifact that the caller may fetch; Problem for one that is not there or not theirs."""
    try:
        manifest = service.project.store.manifest(artifact)
        require_fetch(service, caller, manifest)
    except (Denied, RequestError):
        raise not_here("artifact") from None
    return manifest


def artifact_file(service: Service, caller: Caller, artifact: str, name: str) -> FilePart:
    """Raises Problem for an artifact or a file that is not there, or not the caller's."""
    return file_of(service, caller.principal, artifact_of(service, caller, artifact), name)


def file_of(service: Service, actor: str, manifest: Manifest, name: str) -> FilePart:
    """A file, or a recipe that belongs to it, that `actor` fetches. Raises Problem for one that the artifact does not have."""
    texts = recipe_files(manifest)
    manifest = with_recipe_files(manifest, texts)
    part = next((part for part in (*manifest.parts, *manifest.recipe_files) if part.name == name), None)
    if part is None:
        raise not_here("file")
    store = TextsBeside(service.project.recorded_store("download", actor), texts)
    return FilePart(manifest, part, store, service.proofs)


def fetch(request: Request, service: Service, caller: Caller, file: FilePart, **detail: str) -> Response:
    """The answer to a GET or HEAD of a file by the owner of a key."""
    return FileResponse(
        file,
        service.metrics,
        service.settings.stalled_s,
        partial(_still, service, caller, file),
        partial(_note, service, caller.principal, file, network_of(address_of(request)), detail),
        presigned_s=service.settings.presigned_s,
    )


def _note(
    service: Service, actor: str, file: FilePart, network: str, detail: dict[str, str], answer: Answer
) -> None:
    about = {"file": file.part.name, "network": network, **bytes_of(answer)}
    service.note_download(actor, file.manifest, **about, **detail)


def bytes_of(answer: Answer) -> dict[str, Any]:
    """What the audit tells of an answer: which bytes, and whether the bucket was to give them."""
    redirected = {"redirected": True} if answer.status == REDIRECT else {}
    return {"from": answer.start, "until": answer.end, **redirected}


def _still(service: Service, caller: Caller, file: FilePart) -> None:
    """Raises ExportError once the key, the rights or the artifact are gone."""
    service.project.store.manifest(file.manifest.artifact)
    now = caller_with(service.project, caller.key)
    require_fetch(service, now, file.manifest)
