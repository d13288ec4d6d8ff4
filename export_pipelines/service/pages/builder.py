"""The builder: a form that becomes an export, with a preview and an estimate while it is filled in."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from export_pipelines.catalog import Catalog, Component, Dataset, Field
from export_pipelines.definition.filters import Operator
from export_pipelines.definition.output import CODECS, FORMATS
from export_pipelines.definition.selection import exportable
from export_pipelines.service.api.definitions import (
    Checked,
    Estimated,
    Previewed,
    check_export,
    estimate_export,
    preview_export,
)
from export_pipelines.service.asked import digest
from export_pipelines.service.auth import Caller
from export_pipelines.service.desk import Desk
from export_pipelines.service.pages import builder_form as form_words
from export_pipelines.service.pages import report_form
from export_pipelines.service.pages.builder_form import Choices, Condition, with_preset, yaml_of
from export_pipelines.service.pages.rendering import ROOT, page
from export_pipelines.service.pages.session import Posted, SignedIn
from export_pipelines.service.problems import Fault, Problem
from export_pipelines.service.service import Service, service_of
from export_pipelines.transform.component_lists import STATES

router = APIRouter()

PREVIEW_ROWS, REPORT_ROWS = 8, 30  # of a report, which is short, people want to see the whole
ONCE_BYTES = 12
SHOWN = (403, 422, 429, 503)  # statuses of what is said beside the form
PARTIAL = "x-partial"  # of a request that the page's script makes for the preview alone
SECTIONS = {  # where in the form a fault of the body is mended, by the first words of its pointer
    "/fields": "fields",
    "/privacy": "fields",
    "/filter/last": "window",
    "/start": "window",
    "/end": "window",
    "/filter": "conditions",
    "/format": "format",
    "/compression": "format",
    "/deliver": "place",
    "/email_to": "place",
    "/type": "type",
    "/metrics": "fields",
    "/group_by": "groups",
    "/every": "groups",
    "/pivot": "groups",
    "/totals": "groups",
    "/fill": "groups",
    "/over": "fields",
    "/time_basis": "groups",
}


@dataclass(frozen=True)
class Offer:
    """A field of the picker. `is_whole` says whether the field itself may be chosen, beside its parts."""

    field: Field
    parts: Sequence[Component]
    is_whole: bool


@dataclass(frozen=True)
class Trial:
    """What a run of the choices would give, or why it cannot be."""

    faults: Sequence[tuple[str, str]] = ()  # section of the form, text
    checked: Checked | None = None
    preview: Previewed | None = None
    estimate: Estimated | None = None


@router.get("/new")
def builder(request: Request, caller: SignedIn) -> Response:
    caller.require("create")
    return _answer(request, caller, Choices(conditions=(Condition(),)))


@router.post("/new")
def build(request: Request, caller: SignedIn, form: Posted) -> Response:
    caller.require("create")
    choices, action = Choices.of(form), form.get("action", "preview")
    changed = _changed(choices, action, service_of(request).project.catalog)
    if changed is not None:
        return _answer(request, caller, changed, once=form.get("once"))
    try:
        body = choices.body(service_of(request).project.catalog)
        if action == "run":
            export, _ = Desk(service_of(request), caller).create(body, _key(form.get("once", ""), body))
            return RedirectResponse(f"{ROOT}/requests/{export.id}", 303)
    except Problem as problem:
        if problem.status not in SHOWN:
            raise
        return _answer(request, caller, choices, Trial(_faults(problem)), form.get("once"), problem.status)
    if action == "yaml":
        return _download(choices, service_of(request))
    return _answer(request, caller, choices, _trial(request, caller, body), form.get("once"))


def _changed(choices: Choices, action: str, catalog: Catalog) -> Choices | None:
    """The form after a button that changes the form itself; None for another button."""
    kind, _, word = action.partition(":")
    if kind == "type":
        return choices.started(catalog)
    if kind == "add":
        return replace(choices, conditions=tuple(with_preset(choices, word)))
    if kind == "drop":
        numbered = enumerate(choices.conditions)
        return replace(choices, conditions=tuple(each for number, each in numbered if str(number) != word))
    return None


def _answer(
    request: Request,
    caller: Caller,
    choices: Choices,
    trial: Trial | None = None,
    once: str | None = None,
    status: int = 200,
) -> Response:
    service = service_of(request)
    values: dict[str, Any] = {"choices": choices, "trial": trial, "yaml": _yaml(choices, service)}
    if PARTIAL in request.headers:
        return page("builder_preview.html", request, caller, **values)
    return page(
        "builder.html",
        request,
        caller,
        status,
        **values,
        groups=_groups(choices, service, caller),
        words=form_words,
        reports=report_form,
        dataset=choices.dataset(service.project.catalog),
        operators=list(Operator),
        formats=FORMATS,
        codecs=CODECS,
        states=STATES,
        once=once or secrets.token_hex(ONCE_BYTES),
        treatments=dict(choices.treatments),
    )


def _trial(request: Request, caller: Caller, body: dict[str, Any]) -> Trial:
    try:
        checked = check_export(request, caller, body)
        rows = REPORT_ROWS if body["type"] == "report" else PREVIEW_ROWS
        previewed = preview_export(request, caller, body, rows)
        return Trial((), checked, previewed, estimate_export(request, caller, body))
    except Problem as problem:
        if problem.status not in SHOWN:
            raise
        return Trial(_faults(problem))


def _faults(problem: Problem) -> list[tuple[str, str]]:
    faults = problem.faults or (Fault(detail=problem.detail),)
    return [(_section(fault.pointer or ""), fault.detail) for fault in faults]


def _section(pointer: str) -> str:
    return next((section for begin, section in SECTIONS.items() if pointer.startswith(begin)), "")


def _groups(choices: Choices, service: Service, caller: Caller) -> Mapping[str, Sequence[Offer]]:
    """The fields that the caller may export, by group, each with its components."""
    dataset = choices.dataset(service.project.catalog)
    offers: dict[str, list[Offer]] = {}
    for field in dataset.fields:
        if not exportable(field) or field.id == dataset.snapshot:
            continue
        offer = Offer(field, _parts(field, caller, dataset), not _is_removed(field, caller, dataset))
        if offer.parts or offer.is_whole:
            offers.setdefault(field.group, []).append(offer)
    return offers


def _parts(field: Field, caller: Caller, dataset: Dataset) -> list[Component]:
    is_removed = _is_removed(field, caller, dataset)
    return [
        part
        for part in field.components
        if (part.remains or not is_removed)
        and not (caller.grants and all(grant.removes(part, dataset) for grant in caller.grants))
    ]


def _is_removed(field: Field, caller: Caller, dataset: Dataset) -> bool:
    """Whether every role of the caller leaves the field out."""
    return bool(caller.grants) and all(grant.treatment(field, dataset) == "remove" for grant in caller.grants)


def _yaml(choices: Choices, service: Service) -> str:
    try:
        return yaml_of(choices.definition(service.project.catalog))
    except Problem:
        return ""


def _download(choices: Choices, service: Service) -> Response:
    text = yaml_of(choices.definition(service.project.catalog))
    headers = {"Content-Disposition": 'attachment; filename="export.yaml"'}
    return Response(text, media_type="application/yaml", headers=headers)


def _key(once: str, body: dict[str, Any]) -> str:
    """Equal for the same form sent twice, so that a double click runs one export."""
    return f"page-{digest([once, body])}"
