"""The condition of a stream in a plan's query: its values come with each read, and are in no plan."""

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import and_, literal
from sqlalchemy.types import NullType

from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import FatalError
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.new_rows import values_in, with_values
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.query.tables import Tables
from export_pipelines_tests.plan.tables import DATASET, FIELDS, request_for

DIALECTS = ("sqlite", "postgresql", "mariadb", "duckdb")


@dataclass(frozen=True)
class ByIdAndSize:
    order: tuple[str, ...] = ("lead_id",)

    def expression(self, tables: Tables) -> Expression:
        id, size = (tables.column(tables.field(name)) for name in ("lead_id", "size"))
        return and_(size > literal(0), id.in_([literal("", NullType())]), size < literal(1))


def query(dialect: str) -> Query:
    rules = Filter(
        rules=(
            Rule(lhv="word", op=Op.EQUAL, rhv="it's?"),
            Rule(lhv="flow.name", op=Op.INCLUDED, rhv=("a", "$1")),
        )
    )
    return build_query(replace(request_for(rules), dialect=dialect, new_rows=ByIdAndSize()), [FIELDS[0]])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_plan_has_no_value_of_a_read(dialect: str) -> None:
    planned = query(dialect)
    travelled = Query.model_validate_json(planned.model_dump_json())
    with pytest.raises(FatalError, match="stream"):
        _ = travelled.values
    assert with_values(travelled, (5, ("x",), 9)).values.count("x") == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_takes_as_many_places_as_it_has_values(dialect: str) -> None:
    planned = query(dialect)
    single, several = (with_values(planned, (5, ids, 9)) for ids in (("x",), ("x", "y'", "z?")))
    assert single.sql == planned.sql
    assert several.values[:5] == (5, "x", "y'", "z?", 9)
    assert several.values[5:] == single.values[3:]
    for sql in (several.sql, several.count_sql):
        if dialect == "postgresql":
            assert "IN ($2, $3, $4)" in sql
            assert all(f"${n}" in sql for n in range(1, len(several.values) + 1))
        else:
            assert sql.count("?") == len(several.values)
            assert "IN (?, ?, ?)" in sql


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_are_in_the_order_of_the_query(dialect: str) -> None:
    request = replace(request_for(Filter()), dialect=dialect)
    tables = Tables(DATASET, request.sql, None)
    assert values_in(ByIdAndSize().expression(tables), tables.dialect) == (0, "", 1)
