"""The style sheet and the script; their URLs change with their content."""

from fastapi import APIRouter
from fastapi.responses import FileResponse

from export_pipelines.service.pages.rendering import STATIC
from export_pipelines.service.problems import not_here

router = APIRouter()

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {path.name: path for path in STATIC.iterdir() if path.suffix in MEDIA_TYPES}


@router.get("/static/{version}/{name}")
def static_file(version: str, name: str) -> FileResponse:
    if name not in FILES:
        raise not_here("file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(FILES[name], media_type=MEDIA_TYPES[FILES[name].suffix], headers=headers)
