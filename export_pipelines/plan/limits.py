"""How many rows an export may write: its own limit, and the end of a format. Told before anything is written."""

from export_pipelines.errors import LimitReached, RequestError
from export_pipelines.plan.plan import Plan


def demand_room(plan: Plan, rows: int) -> None:
    """Raises LimitReached for more rows than the export may write, RequestError for more than its format holds."""
    assert plan.output and plan.encoding
    if rows > plan.output.max_rows:
        raise LimitReached(
            f"{rows:,} rows match, the limit is {plan.output.max_rows:,}; nothing was written",
            where=plan.export,
            remedy="take a smaller window, filter more, or raise `limits: {rows: ...}`",
        )
    holds = plan.encoding.max_rows
    if holds is not None and plan.output.part_rows is None and rows > holds:
        raise RequestError(
            f"{rows:,} rows match, and one {plan.encoding.format} file holds {holds:,}; nothing was written",
            where=plan.export,
            remedy=f"say split: {{rows: {holds}}}, take a smaller window, or another format",
        )
