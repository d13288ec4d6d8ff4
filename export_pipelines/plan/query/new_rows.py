"""The rows of a stream: those that its horizon found to be new, chosen in the SELECT by values that come with each read."""

from collections.abc import Iterator, Sequence

from export_pipelines.plan.query.predicate import Predicate
from export_pipelines.plan.query.query import Plain, Query, Reference
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest

PLACE = "stream"  # of the references whose values come with each read


def new_rows(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """What the horizon's condition demands of a row; nothing for an export with an end."""
    if request.new_rows is not None:
        expression = request.new_rows.expression(tables)
        yield Predicate("new since the last read", expression, ((PLACE, expression),))


def with_values(query: Query, values: Sequence[Plain]) -> Query:
    """The query with the values of one read in the places of its condition, in their order."""

    def bound(parameter: Plain | Reference) -> Plain | Reference:
        if isinstance(parameter, Reference) and parameter.place == PLACE:
            return parameter.model_copy(update={"value": values[parameter.number]})
        return parameter

    return query.model_copy(update={"parameters": tuple(map(bound, query.parameters))})
