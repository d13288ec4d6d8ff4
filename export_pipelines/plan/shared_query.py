"""The predicates and queries of many windows of one export, of which a few are compiled: they differ in the window only."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import BindParameter
from sqlalchemy.sql import visitors

from export_pipelines.plan.compile import STEP
from export_pipelines.plan.plan import PlanDraft
from export_pipelines.plan.query.query import Plain, Query, Reference
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.query.times import window, window_text
from export_pipelines.plan.request import PlanRequest

COMPILED = 3  # the first two and the last

Parameter = Plain | Reference
Values = Mapping[Parameter, Parameter]
Derived = Callable[[int], PlanDraft]  # gives the draft of a window, by its number


def with_predicates(drafts: Sequence[PlanDraft], requests: Sequence[PlanRequest]) -> list[PlanDraft]:
    """What the step `filter` makes of each draft. The first stands for all where its lines, with that of another window, are
    those of the second and of the last. Raises what the step raises."""

    def derivation(first: PlanDraft) -> Derived:
        lines = [window_text(request) for request in requests]

        def derived(number: int) -> PlanDraft:
            assert first.filter
            text = tuple(lines[number] if line == lines[0] else line for line in first.filter.text)
            return drafts[number].model_copy(
                update={"filter": first.filter.model_copy(update={"text": text})}
            )

        return derived

    return _shared("filter", drafts, requests, derivation)


def with_queries(drafts: Sequence[PlanDraft], requests: Sequence[PlanRequest]) -> list[PlanDraft]:
    """What the step `mask_pii` makes of each draft. The first stands for all where its values, put for those of another window,
    give what is compiled for the second and for the last. Raises what the step raises."""

    def derivation(first: PlanDraft) -> Derived:
        tables = Tables(requests[0].dataset, requests[0].sql, requests[0].age_day)
        values = [_values(request, tables) for request in requests]

        def derived(number: int) -> PlanDraft:
            swapped: dict[Parameter, Parameter] = dict(zip(values[0], values[number], strict=True))
            assert first.query
            update = {"masking": first.masking, "query": _with(first.query, swapped)}
            return drafts[number].model_copy(update=update)

        return derived

    return _shared("mask_pii", drafts, requests, derivation)


def _shared(
    step: str,
    drafts: Sequence[PlanDraft],
    requests: Sequence[PlanRequest],
    derivation: Callable[[PlanDraft], Derived],
) -> list[PlanDraft]:
    compiled = {
        number: STEP[step](drafts[number], requests[number]) for number in _numbers(len(drafts), COMPILED)
    }
    if len(drafts) > COMPILED:
        derived = derivation(compiled[0])
        if all(derived(number) == draft for number, draft in compiled.items()):
            return [compiled.get(number) or derived(number) for number in range(len(drafts))]
    return [
        compiled.get(number) or STEP[step](draft, request)
        for number, (draft, request) in enumerate(zip(drafts, requests, strict=True))
    ]


def _numbers(drafts: int, compiled: int) -> Iterable[int]:
    return range(drafts) if drafts <= compiled else (0, 1, drafts - 1)


def _values(request: PlanRequest, tables: Tables) -> list[Plain]:
    """The parameters of the window's predicate."""
    return [
        part.value
        for predicate in window(request, tables)
        for part in visitors.iterate(predicate.expression)
        if isinstance(part, BindParameter)
    ]


def _with(query: Query, values: Values) -> Query:
    """The query with other values in the places of these."""
    changes: dict[str, object] = {
        "mixed": query.mixed
        and query.mixed.model_copy(update={"parameters": _swapped(query.mixed.parameters, values)}),
        "suspects": query.suspects and _with(query.suspects, values),
        "ungrouped": query.ungrouped and _with(query.ungrouped, values),
    }
    return query.model_copy(update={**changes, "parameters": _swapped(query.parameters, values)})


def _swapped(parameters: Sequence[Parameter], values: Values) -> tuple[Parameter, ...]:
    return tuple(
        parameter if isinstance(parameter, Reference) else values.get(parameter, parameter)
        for parameter in parameters
    )
