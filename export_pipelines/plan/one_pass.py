"""Which windows of a run one pass over the source reads, and by which query. This is the whole rule: all others are read one
by one."""

from collections.abc import Iterator, Sequence

from export_pipelines.catalog.dimensions import SHIFTING
from export_pipelines.plan.plan import Plan, Window
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.window import WHOLE_KEY, window_between

BY_WINDOW = frozenset(
    {"filter.last", "rights.since"}
)  # criteria that each window counts from its own end or start
BATCH_BYTES = 2 << 20  # of the source's; a window's batches are put together of them


def adjacent(plans: Sequence[Plan]) -> Iterator[tuple[Plan, ...]]:
    """The plans in groups, in their order: those of a group may share a pass, and their windows follow one another without
    a gap."""
    group: list[Plan] = []
    for plan in plans:
        if group and not (_shares(plan) and _follows(group[-1], plan)):
            yield tuple(group)
            group = []
        group.append(plan)
    if group:
        yield tuple(group)


def span(plans: Sequence[Plan]) -> Window:
    """From the start of the first window to the end of the last."""
    return window_between(plans[0].extract.window.start, plans[-1].extract.window.end)


def query_of_pass(plans: Sequence[Plan], whole: Plan) -> Query | None:
    """The query that gives the rows of all windows of `plans`, window by window; None where it would not give the same rows
    in the same order. `whole` is compiled for their `span`, and reads the field of the window.

    Times of more than one spelling are refused by the reader: what sorts them would sort all windows in memory.
    """
    query, columns = whole.query, {column.name: column for column in whole.query.columns}
    alike = _shares(whole) and all(
        plan.query.rows == query.rows
        and plan.masking == whole.masking
        and plan.query.functions == query.functions
        and plan.query.marked == query.marked
        and all(columns.get(column.name) == column for column in plan.query.columns)
        for plan in plans
    )
    if not alike or whole.extract.window_field not in columns:
        return None
    mixed = query.mixed and query.mixed.model_copy(update={"order": None})
    return query.model_copy(update={"mixed": mixed, "batch_bytes": BATCH_BYTES})


def _shares(plan: Plan) -> bool:
    """Whether rows come sorted by the time that the window cuts, and each is chosen whatever window it lies in: no report, no
    comparison with a set before, no residual filter, no limit by right, no other field to sort by first, nothing that is told
    at the end of the window."""
    extract, query = plan.extract, plan.query
    return (
        plan.report is None
        and plan.changes is None
        and query.residual is None
        and query.limit is None
        and extract.window.key != WHOLE_KEY
        and extract.order[:1] == (extract.window_field,)
        and not any(
            criterion.place in BY_WINDOW or (criterion.field or "").rpartition(".")[2] in SHIFTING
            for criterion in query.rows.asked
        )
    )


def _follows(before: Plan, plan: Plan) -> bool:
    return _shares(before) and before.extract.window.end == plan.extract.window.start
