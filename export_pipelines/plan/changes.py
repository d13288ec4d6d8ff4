"""`mode: changes` in a plan: the column that says what became of a row, the key of rows, and the series of artifacts."""

from enum import StrEnum

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import RequestError
from export_pipelines.plan.columns import require_distinct
from export_pipelines.plan.plan import Changes, Mask, OutputColumn, PlanDraft
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.run_marks import narrowed_for, run_marks
from export_pipelines.plan.window import WHOLE_KEY

CHANGE = "change"
KEPT_APART = (None, Mask.KEEP, Mask.HASH, Mask.TOKENIZE)  # masks that leave different ids different


class Change(StrEnum):
    """What became of a row since the set before; each row of a full set counts as added."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


def require_changes(definition: ExportDefinition) -> None:
    """Raises RequestError for an export of which each run is full, when a full set is asked for."""
    if definition.changes is None:
        raise RequestError(
            f"{definition.name} is not in mode: changes: each run has all rows",
            where=definition.at("mode"),
            remedy="run it without asking for a full set",
        )


def changes_of(
    draft: PlanDraft, columns: tuple[OutputColumn, ...], request: PlanRequest
) -> tuple[tuple[OutputColumn, ...], Changes | None]:
    """The output `columns` with that of the change after them, and the plan's section; the same columns and None for an
    export of full sets. Raises RequestError where the files would not tell rows apart."""
    wanted = request.definition.changes
    if wanted is None:
        return columns, None
    key = _key(columns, request)
    labels = request.definition.format.options.get("header") == "labels"
    change = OutputColumn(
        id=CHANGE,
        header=CHANGE.title() if labels else CHANGE,
        json_path=(CHANGE,),
        kind=Kind.TEXT,
        type="text",
        pii=PiiClass.NONE,
        source="",
    )
    columns = (*columns, change)
    require_distinct(columns, request)
    return columns, Changes(series=_series(draft, request), key=key.id, full_every=wanted.full_every)


def _key(columns: tuple[OutputColumn, ...], request: PlanRequest) -> OutputColumn:
    definition, id = request.definition, request.dataset.row_id
    key = next((column for column in columns if column.id == id), None)
    if key is None:
        raise RequestError(
            f"mode: changes tells rows apart by {id}, which is not exported",
            where=definition.at("mode"),
            remedy=f"add {id} to `fields`, and let `privacy` and rights keep it; or take mode: full",
        )
    if key.mask not in KEPT_APART:
        raise RequestError(
            f"mode: changes tells rows apart by {id}, and {key.mask} makes ids equal",
            where=definition.at("mode"),
            remedy=f"let `privacy` and rights keep, hash or tokenize {id}; or take mode: full",
        )
    return key


def _series(draft: PlanDraft, request: PlanRequest) -> str:
    """Of a partitioned export, each window is a series of its own; of another, all runs are one, whatever their windows.
    Runs with other rows than those of the file are a series for themselves."""
    window = request.window.key if request.definition.partition else WHOLE_KEY
    return "_".join((window, *run_marks(draft.overrides, narrowed_for(draft))))
