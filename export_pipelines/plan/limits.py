"""How many rows an export may write: its own row limit, and the most that one file of its format holds."""

from export_pipelines.errors import LimitReached, RequestError
from export_pipelines.plan.plan import Plan


def require_room(plan: Plan, rows: int, writing: bool = False) -> None:
    """Raises LimitReached for more rows than the export may write, RequestError for more than its format holds. `rows`
    are counted before anything is written, or are those so far, while `writing`."""
    if rows > plan.output.max_rows:
        raise LimitReached(
            _too_many(rows, f"the limit is {plan.output.max_rows:,}", writing),
            where=plan.export,
            remedy="take a smaller window, filter more, or raise `limits: {rows: ...}`",
        )
    holds = plan.encoding.max_rows
    if holds is not None and plan.output.part_rows is None and rows > holds:
        raise RequestError(
            _too_many(rows, f"and one {plan.encoding.format} file holds {holds:,}", writing),
            where=plan.export,
            remedy=f"say split: {{rows: {holds}}}, take a smaller window, or another format",
        )


def _too_many(rows: int, limit: str, writing: bool) -> str:
    number, end = (
        ("too many", "the run was stopped and nothing was kept")
        if writing
        else (f"{rows:,}", "nothing was written")
    )
    return f"{number} rows match, {limit}; {end}"
