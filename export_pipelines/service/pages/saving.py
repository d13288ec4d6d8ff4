"""Writing an export's file: shown, compared with the file there is, and written by admins alone."""

import difflib
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from export_pipelines.definition import load_definition
from export_pipelines.definition.words import NAME_PATTERN
from export_pipelines.errors import DefinitionError
from export_pipelines.files.private import make_folder
from export_pipelines.ledger import AuditAction
from export_pipelines.service.auth import Caller
from export_pipelines.service.pages.builder_form import Choices, yaml_of
from export_pipelines.service.pages.rendering import ROOT, page
from export_pipelines.service.pages.session import Posted, SignedIn
from export_pipelines.service.problems import Problem
from export_pipelines.service.service import Service, service_of

router = APIRouter()

MOST_CHARACTERS = 100_000


@router.post("/save")
def save(request: Request, caller: SignedIn, form: Posted) -> Response:
    """Compares what would be written with what there is; `action=write` writes it, unless the file changed meanwhile."""
    caller.require("admin")
    service = service_of(request)
    name, text = form.get("name", "").strip(), form.get("yaml")
    if text is None:
        text = yaml_of(Choices.of(form).definition(service.project.catalog))
    text = text.replace("\r\n", "\n").strip() + "\n"
    if not name:
        return _shown(request, caller, name, text)
    path = _path(service, name)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    faults = _faults(service, name, text)
    if faults or form.get("action") != "write":
        return _shown(request, caller, name, text, before, faults)
    if form.get("before") != _digest(before):
        changed = ["The file was changed meanwhile: compare once more."]
        return _shown(request, caller, name, text, before, changed)
    _write(path, text)
    digests: dict[str, Any] = {"sha256": _digest(text), "before": _digest(before)}
    service.audit(caller.principal, AuditAction.DEFINITION_SAVED, name, **digests)
    service.look_again()
    return RedirectResponse(f"{ROOT}/exports/{name}", 303)


def _shown(
    request: Request, caller: Caller, name: str, text: str, before: str = "", faults: list[str] | None = None
) -> Response:
    lines = difflib.unified_diff(
        before.splitlines(), text.splitlines(), "as it is", "as it would be", lineterm=""
    )
    return page(
        "save.html",
        request,
        caller,
        422 if faults else 200,
        name=name,
        yaml=text,
        diff=list(lines) if name else [],
        is_new=not before,
        before=_digest(before),
        faults=faults or [],
    )


def _path(service: Service, name: str) -> Path:
    """Raises Problem for what is no name of an export, so that no file elsewhere is touched."""
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > 100:
        raise Problem.at("a name is lower-case letters, digits and _, a letter first", "name")
    return service.project.settings.definitions / f"{name}.yaml"


def _faults(service: Service, name: str, text: str) -> list[str]:
    """As `check` would say them."""
    if len(text) > MOST_CHARACTERS:
        return [f"an export's file has at most {MOST_CHARACTERS:,} characters"]
    home = service.project.settings.home
    make_folder(home)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            load_definition(path, service.project.catalog)
        except DefinitionError as error:
            return [fault.rpartition(f"{name}.yaml:")[2] for fault in error.faults]
    return []


def _write(path: Path, text: str) -> None:
    """At once or not at all: the daemon reads the folder at any time."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
