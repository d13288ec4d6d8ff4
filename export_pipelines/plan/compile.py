"""`compile_plan`: the steps of a plan in their order. Each adds one section; Dagster's ops call the same steps."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from export_pipelines.definition.export import ExportDefinition
from export_pipelines.errors import RequestError
from export_pipelines.plan.columns import project_fields
from export_pipelines.plan.output import compress, serialize, write
from export_pipelines.plan.plan import Extract, Plan, PlanDraft, Predicates, Window, added
from export_pipelines.plan.privacy import mask_pii
from export_pipelines.plan.query.predicates import predicates_of
from export_pipelines.plan.query.staging import StagingTable
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.report.steps import project_report, query_report
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.rights import rights_used
from export_pipelines.templates import part_name

Step = Callable[[PlanDraft, PlanRequest], PlanDraft]


def compile_plan(request: PlanRequest) -> Plan:
    """The whole plan; equal requests give equal plans. Raises RequestError, with the place in the YAML."""
    draft = blank_draft(request.definition)
    for _, step in STEPS:
        draft = step(draft, request)
    return draft.whole()


class WindowFiles(NamedTuple):
    """A window, and the name of the first file that it would have."""

    window: Window
    first: str


def compile_files(request: PlanRequest) -> WindowFiles:
    """What one window's files are called, without columns and SQL. Raises RequestError."""
    draft = blank_draft(request.definition)
    for step in (extract, serialize, compress, write):
        draft = step(draft, request)
    return WindowFiles(window_in(draft), part_name(added(draft.output, "write").part_name, 1))


def blank_draft(definition: ExportDefinition) -> PlanDraft:
    """A plan before its first step."""
    return PlanDraft(
        export=definition.name,
        type=definition.type,
        owner=definition.owner,
        overrides=definition.overrides,
        contract=definition.contract,
        version=definition.version,
    )


def window_in(draft: PlanDraft) -> Window:
    """The window of a draft. Raises FatalError before the first step."""
    return added(draft.extract, "extract").window


def bind(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """The draft with the values that its query's references stand for, which no JSON holds: they are read from the
    definition as it is now. Raises RequestError if that differs from the draft in anything else, or if rights do."""
    by_right = bool(draft.rights or request.rights)
    if not added(draft.query, "mask_pii").is_private and not by_right:
        return draft
    bound = draft
    for name in FROM_RIGHTS if by_right else ("mask_pii",):
        bound = STEP[name](bound, request)
    if bound != draft:
        what = "file or the rights of its people have changed" if by_right else "file has changed"
        raise RequestError(
            f"the export's {what} since the run was planned",
            where=draft.export,
            remedy="launch a run of its own, or run this one again from `extract`",
        )
    return bound


def extract(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds where rows come from, and with whose rights. Raises RequestError for a type without a dataset or an unknown database."""
    dataset = request.dataset
    section = Extract(
        dataset=dataset.name,
        table=dataset.table,
        dialect=request.sql.name,
        window=request.window,
        window_field=dataset.window,
        order=() if request.definition.report else request.order,
    )
    return draft.model_copy(update={"extract": section, "rights": rights_used(request)})


def filter_rows(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds what rows must fulfil. Raises RequestError for a rule that cannot be."""
    tables = Tables(request.dataset, request.sql, request.age_day)
    staging = partial(StagingTable, tables, request.bad_json_is_null)
    asked = predicates_of(request, tables, staging)
    section = Predicates(
        text=tuple(predicate.text for predicate in asked.pushed),
        residual=tuple(predicate.text for predicate in asked.residual),
    )
    return draft.model_copy(update={"filter": section})


def _by_type(step: Step, **others: Step) -> Step:
    """The step of the export's type, where it has one of its own."""
    return lambda draft, request: others.get(draft.type, step)(draft, request)


STEPS: tuple[tuple[str, Step], ...] = (
    ("extract", extract),
    ("filter", filter_rows),
    ("project_fields", _by_type(project_fields, report=project_report)),
    ("mask_pii", _by_type(mask_pii, report=query_report)),
    ("serialize", serialize),
    ("compress", compress),
    ("write", write),
)
STEP = dict(STEPS)
FROM_RIGHTS = ("extract", "filter", "project_fields", "mask_pii")  # what rights make of a plan but its limits
