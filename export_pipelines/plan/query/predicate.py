"""A predicate: one condition of the filter in SQL, and as a line to read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from export_pipelines.errors import RequestError
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest


@dataclass(frozen=True)
class Predicate:
    """`private` are those of its expressions that compare with a personal value, which `text` does not tell, each with its
    place in the definition."""

    text: str
    expression: Expression
    private: tuple[tuple[str, Expression], ...] = ()


Build = Callable[[PlanRequest, Tables], Iterator[Predicate]]


@contextmanager
def located(request: PlanRequest, *key: str | int) -> Iterator[None]:
    """Puts the place in the YAML before an error that does not know it."""
    try:
        yield
    except RequestError as error:
        if error.where:
            raise
        error.where = request.definition.at(*key)
        raise
