"""Five rows of an export for the Dagster UI: personal values masked whatever the export says, JSON objects left out."""

from collections.abc import Sequence
from itertools import islice

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.catalog.dimensions import SHIFTING
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import ExportError
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.value_masks import WHOLE
from export_pipelines.plan.plan import Mask, OutputColumn, Plan
from export_pipelines.project import Project
from export_pipelines.run.first_rows import FirstRows, joined
from export_pipelines.run.preview import preview

ROWS = 5
LONGEST_CELL = 40  # characters
NONE = "no preview"


def previews_of(plans: Sequence[Plan], project: Project, first: Sequence[FirstRows]) -> list[str]:
    """A Markdown table for each plan, of the `first` rows that were read; those of a report, which are made of groups, are read
    again. Plans of one query and without parts that depend on their window are shown together, which takes as long as one.

    A preview that cannot be made is no reason to fail: it says so instead.
    """
    alone = any(column.component in SHIFTING for plan in plans for column in plan.masking.columns)
    if alone or any(plan.report for plan in plans):
        return [_previews([plan], project, [rows])[0] for plan, rows in zip(plans, first, strict=True)]
    return _previews(plans, project, first)


def _previews(plans: Sequence[Plan], project: Project, first: Sequence[FirstRows]) -> list[str]:
    safe = for_everyone(plans[0])
    if not safe.masking.columns:
        return [NONE] * len(plans)
    if safe.report is None:
        numbers = [rows.number for rows in first]
        batches = iter(joined(first))
    else:
        numbers, batches = [ROWS], project.source().read(safe.query)
    try:
        shown = preview(safe, batches, Keys.of(project.settings), rows=sum(numbers))
    except ExportError as error:
        return [f"{NONE}: {error.what}"] * len(plans)
    lines = iter(shown.rows)
    head = [_cells(shown.headers), tuple("---" for _ in shown.headers)]
    return [_markdown([*head, *map(_cells, islice(lines, number))]) for number in numbers]


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
