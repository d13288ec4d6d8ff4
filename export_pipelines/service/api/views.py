"""What the API shows of an export that was asked for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import ExportError
from export_pipelines.ledger import AuditAction, ExportRequest, Links
from export_pipelines.project import Project
from export_pipelines.recipes.files import media_type_of, recipe_files, with_recipe_files


class File(BaseModel):
    """`url` is where it is fetched, from the root of the service; what it gives never changes."""

    name: str
    rows: int
    bytes: int
    sha256: str
    media_type: str
    url: str


class Download(BaseModel):
    """`by` is a principal, or the recipient of a link."""

    at: datetime
    by: str
    file: str


class Reason(BaseModel):
    message: str


class Progress(BaseModel):
    """`expected_rows` were counted when the export was asked for; null where they could not be."""

    rows: int
    expected_rows: int | None
    share: float | None = Field(description="From 0 to 1.")


class Export(BaseModel):
    """An export that was asked for, in LeadConduit's words and some of ours."""

    id: str
    created_at: datetime
    status: Literal["created", "processing", "complete", "truncated", "error"]
    export: str
    type: str | None
    format: str | None
    start: datetime = Field(description="Inclusive.")
    end: datetime = Field(description="Exclusive.")
    window: str
    partition: str | None
    fields: Any
    filter_rules: list[Any]
    email_to: list[str]
    date_format: Literal["iso"]
    user: str
    expires_at: datetime
    ended_at: datetime | None
    reason: Reason | None
    error: str | None
    progress: Progress
    exported_docs: int | None
    file_name: str | None
    files: list[File]
    downloads: list[Download]
    artifact: str | None
    run_id: str


def export_view(project: Project, request: ExportRequest) -> Export:
    """Reads the artifact's manifest where there is one."""
    manifest = _manifest(project, request.artifact)
    files = files_of(manifest, f"/exports/{request.id}")
    asked = _asked(project, request)
    finished = request.status in ("complete", "truncated")
    expected = request.expected_rows
    share = 1.0 if finished else min(1.0, request.rows / expected) if expected else None
    return Export(
        id=request.id,
        created_at=request.created_at,
        status=request.status,
        export=request.export,
        type=asked.get("type"),
        format=asked.get("format"),
        start=request.start,
        end=request.end,
        window=request.window_key,
        partition=request.partition,
        fields=asked.get("fields"),
        filter_rules=asked.get("rules", []),
        email_to=asked.get("email_to", []),
        date_format="iso",
        user=request.requester,
        expires_at=request.expires_at,
        ended_at=request.ended_at,
        reason=Reason(message=request.reason) if request.reason else None,
        error=request.reason if request.status == "error" else None,
        progress=Progress(rows=request.rows, expected_rows=expected, share=share),
        exported_docs=manifest.rows if manifest else None,
        file_name=files[0].name if files else None,
        files=files,
        downloads=downloads_of(project, request.artifact) if manifest else [],
        artifact=request.artifact,
        run_id=request.run_id,
    )


def files_of(manifest: Manifest | None, base: str) -> list[File]:
    """The files of an artifact and its recipes, below the URL `base`."""
    if manifest is None:
        return []
    manifest = with_recipe_files(manifest, recipe_files(manifest))
    return [
        File(
            name=part.name,
            rows=part.rows,
            bytes=part.bytes,
            sha256=part.sha256,
            media_type=media_type_of(manifest, part),
            url=f"{base}/files/{quote(part.name, safe='')}",
        )
        for part in (*manifest.parts, *manifest.recipe_files)
    ]


def downloads_of(project: Project, artifact: str | None) -> list[Download]:
    """Who fetched which file of an artifact, oldest first."""
    if artifact is None:
        return []
    recipients = {link.id: link.recipient for link in Links(project.ledger.engine).of_artifact(artifact)}
    return [
        Download(
            at=entry.at,
            by=recipients.get(str(entry.detail.get("link")), entry.actor),
            file=str(entry.detail["file"]),
        )
        for entry in project.ledger.audit(AuditAction.DOWNLOAD, artifact)
        if "file" in entry.detail
    ]


def _manifest(project: Project, artifact: str | None) -> Manifest | None:
    """None for an artifact that is not kept any more, or is damaged."""
    if artifact is None:
        return None
    try:
        return project.store.manifest(artifact)
    except ExportError:
        return None


def _asked(project: Project, request: ExportRequest) -> Mapping[str, Any]:
    """Of the definition, which may be gone or broken by now."""
    try:
        definition = project.definition(request.export, request.overrides or None)
    except ExportError:
        return {}
    fields = (
        definition.fields if isinstance(definition.fields, tuple | str) else definition.fields.model_dump()
    )
    return {
        "type": definition.type,
        "format": definition.format.name,
        "fields": list(fields) if isinstance(fields, tuple) else fields,
        "rules": [rule.model_dump(mode="json") for rule in definition.filter.rules],
        "email_to": [
            place for entry in definition.deliver if entry.kind == "email" for place in entry.reaches()
        ],
    }
