"""The rows that a grant leaves: of its flows, from its first day on, and no more than its number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, Select, func, literal, literal_column, or_, select

from export_pipelines.access import Grant, Rights
from export_pipelines.definition.filters import Operator
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.operators import predicate
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest

ID = re.compile(r"[0-9a-f]{24}")


def named_one_of(tables: Tables, prefix: str, names_or_ids: tuple[str, ...]) -> Expression | None:
    """That the `flow`, `source` or `recipient` is one of `names_or_ids`: names without case, or ids. None of no names."""
    ids = tuple(name for name in names_or_ids if ID.fullmatch(name))
    names = tuple(name for name in names_or_ids if not ID.fullmatch(name))
    expressions: list[Expression] = []
    if ids:
        id_of = tables.operand(tables.dataset.find(f"{prefix}.id"))
        expressions.append(id_of.value.in_([literal(id) for id in ids]))
    if names:
        name_of = tables.operand(tables.dataset.find(f"{prefix}.name"))
        expressions.append(predicate(name_of, Operator.INCLUDED, names))
    return or_(*expressions) if expressions else None


def flows_beyond(request: PlanRequest, grant: Grant) -> Iterator[tuple[str, ...]]:
    """The sets of the grant's flows that the export's own filter does not stay within."""
    asked = {flow.casefold() for flow in request.definition.filter.flows}
    for flows in grant.flows:
        if not asked or not asked <= {flow.casefold() for flow in flows}:
            yield flows


def granted_flows(request: PlanRequest) -> tuple[tuple[str, ...], ...]:
    """The sets of flows of which each row has to be one by right alone."""
    return tuple(flows_beyond(request, request.rights.effective)) if request.rights else ()


def first_granted(request: PlanRequest) -> datetime | None:
    """The moment before which no row may be had, where the window begins before; None where it does not."""
    since = request.rights.effective.since if request.rights else None
    return since if since is not None and since > request.window.start else None


def row_limit(request: PlanRequest) -> int | None:
    """How many rows the SELECT gives at most, since whoever asked may have no more; None where nothing is cut off.

    An owner's limit cuts nothing off: the run stops there, as at the export's own. Nor is a report cut.
    """
    if request.rights is None or request.definition.report:
        return None
    asked, bound = request.rights.asker.max_rows, most_rows(request)
    return asked if asked is not None and asked < bound else None


def most_rows(request: PlanRequest) -> int:
    """How many rows a run may write before it stops."""
    bound = request.definition.limits.rows
    if request.rights is None:
        return bound
    grant = request.rights.effective if request.definition.report else request.rights.owner
    return min(bound, grant.max_rows or bound)


def limited(rows: Select[Any], limit: int | None) -> Select[Any]:
    """The first rows only; the number is no parameter, since the rows are also asked without their end."""
    return rows if limit is None else rows.limit(literal_column(str(int(limit))))


def count_limited(source: FromClause, where: Sequence[Expression], limit: int | None) -> Select[Any]:
    """How many rows there are, of which `limited` leaves so many."""
    if limit is None:
        return select(func.count()).select_from(source).where(*where)
    some: Select[Any] = select(literal_column("1").label("one")).select_from(source).where(*where)
    return select(func.count()).select_from(limited(some, limit).subquery("some"))


def without_limit(request: PlanRequest) -> PlanRequest:
    if request.rights is None:
        return request
    asker = replace(request.rights.asker, max_rows=None)
    return replace(request, rights=Rights(request.rights.owner, asker))
