"""What can be exported, and what an export would give: definitions, fields, the schema, checks, previews, estimates."""

from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from export_pipelines.artifacts.contract import compared
from export_pipelines.definition import definition_schema
from export_pipelines.definition.in_plans import Contract as Allowed
from export_pipelines.definition.reserved_names import AD_HOC
from export_pipelines.errors import CatalogError, ExportError
from export_pipelines.estimate import estimate
from export_pipelines.ledger import AuditAction
from export_pipelines.listings import (
    contract_listing,
    definition_listing,
    dimension_listings,
    field_listing,
    metric_listings,
)
from export_pipelines.manifest_of_run import manifest_columns
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import Plan
from export_pipelines.run.preview import preview
from export_pipelines.service.api.bodies import JsonBody, body_schema
from export_pipelines.service.api.exports import NEW_EXPORT
from export_pipelines.service.asked import Asked, asked_for
from export_pipelines.service.auth import Caller, Known
from export_pipelines.service.desk import Desk
from export_pipelines.service.problems import Fault, Problem, answers, problem_of
from export_pipelines.service.service import Service, service_of
from export_pipelines.service.visible import may_see

router = APIRouter(tags=["definitions"])

NAME = f"{AD_HOC}check"  # of an ad-hoc export that is only looked at
REFUSALS = answers(400, 403, 408, 413, 422)


class Definition(BaseModel):
    """An export of `exports/`; of a broken one its name and `faults` only."""

    name: str
    description: str = ""
    owner: str | None = None
    type: str | None = None
    format: str | None = None
    compression: str | None = None
    partition: str | None = None
    schedule: str | None = Field(None, description="A cron line, in UTC.")
    contract: Allowed | None = Field(None, description="Which changes of the columns its readers may meet.")
    version: int | None = Field(None, description="By which readers know the columns.")
    readers: list[str] = Field([], alias="for", description="The programs that read the files.")
    recipes: list[str] = Field([], description="The programs whose recipes are delivered.")
    deliver: list[str] = []
    faults: list[str] = []


class Contract(BaseModel):
    """What readers of `version` rely on: the columns of the artifact `before`, or why there is none. A run is refused while
    something is `breaking`."""

    allows: Allowed
    version: int
    before: str | None
    none_because: str | None
    breaking: list[str]


class Checked(BaseModel):
    """What a run would do. `narrowed` is what the caller's rights take away."""

    export: str
    window: str
    columns: list[str]
    removed: list[str]
    destinations: list[str]
    narrowed: list[str]
    contract: Contract


class Column(BaseModel):
    """As in a manifest; `scale` is the number of decimals."""

    name: str
    id: str
    path: list[str]
    kind: str
    scale: int | None
    pii: str
    mask: str | None


class Previewed(BaseModel):
    """The first rows as a run would write them, masks and all, in CSV's spelling."""

    window: str
    columns: list[Column]
    rows: list[list[str]]


class Estimated(BaseModel):
    """`rows` are counted, bytes follow from the first rows; `at_most` where the database could not count exactly."""

    window: str
    rows: int
    bytes: int
    raw_bytes: int
    estimated_from_rows: int
    at_most: bool
    max_rows: int
    max_bytes: int
    is_within_limits: bool


@router.get(
    "/definitions", operation_id="listDefinitions", summary="The exports there are", responses=answers(403)
)
def list_definitions(request: Request, caller: Known) -> list[Definition]:
    caller.require("view")
    service = service_of(request)
    loaded = service.project.loaded
    listed = {definition.name: definition for definition in loaded.definitions} | dict(loaded.broken)
    return [
        Definition(**definition_listing(name, listed[name]))
        for name in sorted(listed)
        if may_see(service, caller, name)
    ]


@router.get("/fields", operation_id="listFields", summary="The catalog", responses=answers(403, 422))
def list_fields(
    request: Request,
    caller: Known,
    dataset: Annotated[
        str | None, Query(max_length=100, description="leads, reports, metrics or dimensions.")
    ] = None,
) -> list[dict[str, Any]]:
    caller.require("view")
    catalog = service_of(request).project.catalog
    if dataset == "metrics":
        return list(metric_listings())
    if dataset == "dimensions":
        return list(dimension_listings(catalog))
    try:
        datasets = [catalog.dataset(dataset)] if dataset else list(catalog.datasets)
    except CatalogError as error:
        raise Problem(422, error.code, str(error), [Fault(detail=error.what, parameter="dataset")]) from None
    return [field_listing(each, field) for each in datasets for field in each.fields]


@router.get(
    "/schema", operation_id="getSchema", summary="The JSON Schema of an export's file", responses=answers(403)
)
def get_schema(caller: Known) -> dict[str, Any]:
    caller.require("view")
    return definition_schema()


@router.post(
    "/check",
    operation_id="checkExport",
    summary="Whether an export could be made, and what it would be",
    responses=REFUSALS,
    openapi_extra=body_schema(NEW_EXPORT),
)
def check_export(request: Request, caller: Known, body: JsonBody) -> Checked:
    asked, plan, desk = _planned(service_of(request), caller, body)
    rights = plan.rights
    try:
        comparison = compared(plan, desk.project.store)
    except ExportError as error:
        raise problem_of(error) from None
    return Checked(
        export=asked.definition.name,
        window=plan.extract.window.key,
        columns=[column.header for column in plan.masking.columns],
        removed=list(plan.masking.removed),
        destinations=[entry["kind"] for entry in plan.output.deliver],
        narrowed=list(rights.narrowed) if rights else [],
        contract=Contract(**contract_listing(plan, comparison)),
    )


@router.post(
    "/preview",
    operation_id="previewExport",
    summary="The first rows, as they would be written",
    responses=REFUSALS,
    openapi_extra=body_schema(NEW_EXPORT),
)
def preview_export(
    request: Request,
    caller: Known,
    body: JsonBody,
    rows: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Previewed:
    service = service_of(request)
    asked, plan, desk = _planned(service, caller, body)
    project = desk.project
    subject = f"{asked.definition.name}/{asked.window.key}"
    recording = project.trail.recording(AuditAction.PREVIEW, subject, caller.principal, plan.owner)
    try:
        with recording, closing(project.source().read(plan.query)) as batches:  # type: ignore[type-var]
            first = preview(plan, batches, Keys.of(project.settings), rows)
    except ExportError as error:
        raise problem_of(error, asked.moved) from None
    columns = [
        Column.model_validate(column.model_dump(mode="json")) for column in manifest_columns(first.columns)
    ]
    return Previewed(window=asked.window.key, columns=columns, rows=[list(row) for row in first.rows])


@router.post(
    "/estimate",
    operation_id="estimateExport",
    summary="How many rows and bytes it would be",
    responses=REFUSALS,
    openapi_extra=body_schema(NEW_EXPORT),
)
def estimate_export(request: Request, caller: Known, body: JsonBody) -> Estimated:
    asked, plan, desk = _planned(service_of(request), caller, body)
    try:
        expected = estimate(plan, desk.project.source(), desk.project.settings)
    except ExportError as error:
        raise problem_of(error, asked.moved) from None
    output = plan.output
    return Estimated(
        window=asked.window.key,
        max_rows=output.max_rows,
        max_bytes=output.max_bytes,
        is_within_limits=expected.rows <= output.max_rows and expected.raw_bytes <= output.max_bytes,
        **expected.as_dict(),
    )


def _planned(service: Service, caller: Caller, body: Any) -> tuple[Asked, Plan, Desk]:
    """Raises Problem."""
    caller.require("create")
    desk = Desk(service, caller)
    asked = asked_for(desk.project, caller, body, NAME, service.settings.keep_days)
    plan = desk.plan(asked)
    try:
        desk.project.source().check(plan.query)
    except ExportError as error:
        raise problem_of(error, asked.moved) from None
    return asked, plan, desk
