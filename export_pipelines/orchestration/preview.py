"""Five rows of an export for the Dagster UI: personal values masked whatever the export says, JSON objects left out."""

from contextlib import closing

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import ExportError
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.value_masks import WHOLE
from export_pipelines.plan.plan import Mask, OutputColumn, Plan
from export_pipelines.project import Project
from export_pipelines.run.preview import preview

ROWS = 5
LONGEST_CELL = 40  # characters
NONE = "no preview"


def preview_of(plan: Plan, project: Project) -> str:
    """A Markdown table. A preview that cannot be made is no reason to fail: it says so instead."""
    safe = for_everyone(plan)
    if not safe.masking.columns:
        return NONE
    try:
        with closing(project.source().read(safe.query)) as batches:  # type: ignore[type-var]
            shown = preview(safe, batches, Keys.of(project.settings), rows=ROWS)
    except ExportError as error:
        return f"{NONE}: {error.what}"
    return _markdown([_cells(shown.headers), tuple("---" for _ in shown.headers), *map(_cells, shown.rows)])


def for_everyone(plan: Plan) -> Plan:
    """The plan with a mask on every personal column that is shown in part; the UI has other readers than the files."""
    columns = tuple(safe for column in plan.masking.columns if (safe := _safe(column)))
    return plan.model_copy(update={"masking": plan.masking.model_copy(update={"columns": columns})})


def _safe(column: OutputColumn) -> OutputColumn | None:
    if column.kind is Kind.JSON and column.mask is None:
        return None
    if column.component is not None:
        return column if column.pii is PiiClass.NONE and not _reveals(column.type, column.component) else None
    in_part = column.mask is Mask.REDACT and column.type not in WHOLE
    if column.pii is PiiClass.NONE or not (column.mask is None or in_part):
        return column
    return column.model_copy(update={"mask": Mask.MASK, "kind": Kind.TEXT, "scale": None})


def _reveals(type: str, component: str) -> bool:
    """Whether a part that may remain of a hidden value reveals it beside the mask, which it has here."""
    may_stand = SEMANTIC_TYPES[type].may_stand
    return may_stand(component, beside=False) and not may_stand(component, beside=True)


def _cells(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_cell(value) for value in row)


def _cell(value: str) -> str:
    line = " ".join(value.split())
    if len(line) > LONGEST_CELL:
        line = line[: LONGEST_CELL - 1] + "…"
    for sign in "\\|<>`*_[]":
        line = line.replace(sign, "\\" + sign)
    return line


def _markdown(lines: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
