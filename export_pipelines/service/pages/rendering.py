"""HTML from Jinja2 templates, with everything escaped, and the headers that every page has."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from export_pipelines.quantities import counted, size
from export_pipelines.service.auth import Caller
from export_pipelines.service.pages.plots import rows_plot

ROOT = "/ui"
FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def moment(at: datetime | str | None) -> Markup:
    """A time in UTC, readable for people and for scripts."""
    if at is None:
        return Markup("")
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M}"
    )


def with_code(text: str) -> Markup:
    """A text in which commands stand between backticks."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 and number < len(parts) - 1 else part
        for number, part in enumerate(parts)
    )


def _version() -> str:
    """Changes with the static files, so that browsers may keep them."""
    content = b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))
    return hashlib.sha256(content).hexdigest()[:12]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"root": ROOT, "version": _version(), "rows_plot": rows_plot}
    environment.filters |= {"moment": moment, "size": size, "counted": counted, "with_code": with_code}
    return environment


_templates = _environment()


def page(
    template: str,
    request: Request,
    caller: Caller | None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A whole page, or the part of one that `template` is."""
    from export_pipelines.service.pages.session import csrf_of, token_of

    text = _templates.get_template(template).render(
        caller=caller, csrf=csrf_of(token_of(request)), path=request.url.path, **values
    )
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})
