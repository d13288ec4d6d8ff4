"""What a database cannot be asked exactly is asked of its rows afterwards: the same rules choose the same rows."""

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from export_pipelines.definition.filters import AnyRule, Filter, Rule, RuleSet
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError
from export_pipelines.plan.describe import describe_sql
from export_pipelines.plan.dialects import NotPushable
from export_pipelines.plan.dialects.patterns import posix
from export_pipelines.plan.operators import operators_of
from export_pipelines.plan.plan import Query, Rest
from export_pipelines.plan.query import build_query
from export_pipelines.stream import open_source
from export_pipelines.stream.rest import Asking
from export_pipelines_tests.plan.oracle import holds
from export_pipelines_tests.plan.tables import DATASET, FIELDS, request_for
from export_pipelines_tests.plan.test_operators import BY_FUNCTION, LISTS, PAIRS, PATTERNS, UNARY, VALUES
from export_pipelines_tests.stream.databases import Database, Postgresql, Sqlite, chosen, source_of

EMAILS = st.sampled_from(["a@Example.com", "b@example.com ", "é@ÉXAMPLE.com", "no address", "", " ", "c@gmail.com"])
WORDS = st.sampled_from(["a", "A", "K", "ſ", "é", "É", "ß", "SS", "a\n", "x.y", "5", " ", ""])
DOCUMENTS = st.sampled_from(
    [
        '{"word": "É", "deep": {"amount": 1.10}, "flag": true, "tags": ["É", "Blue", 5]}',
        '{"word": ["é", "blue"], "deep": {"amount": "1.1"}, "flag": false, "tags": []}',
        '{"word": 5, "deep": {"amount": null}, "flag": null}',
        "{}", "null", "[]",
    ]
)  # fmt: skip
RIGHTS = {
    **{id: rights for id, (_, rights) in VALUES.items()},
    "word": WORDS,
    "email": EMAILS,
    "email.domain": st.sampled_from(["example.com", "éxample.com", "GMAIL.com"]),
    "email.user": WORDS,
    "email.is_free": st.booleans(),
    "doc": WORDS,
    "doc.word": WORDS,
    "doc.deep.amount": st.sampled_from(["1.1", "1.10", "2"]),
    "doc.flag": st.booleans(),
    "doc.tags": WORDS,
}
PATTERN = st.sampled_from(["^a", "[0-9]$", "é", "(?i)É", r"\w", r"\d", "^$", "a$", "^.$", "^[^a]$", "a|K", r"x\.y", "(?s)a.", r"\s"])
STORED = st.fixed_dictionaries(
    {},
    optional={id: stored for id, (stored, _) in VALUES.items() if id != "word"}
    | {"word": WORDS, "email": EMAILS, "doc": DOCUMENTS},
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any operator on any field, with a value that it takes."""
    id = draw(st.sampled_from(sorted(RIGHTS)))
    kind = DATASET.find(id).kind
    op = draw(st.sampled_from(operators_of(kind)))
    right = RIGHTS[id]
    if op in UNARY or op in BY_FUNCTION:
        return Rule(lhv=id, op=op)
    if op in LISTS:
        return Rule(lhv=id, op=op, rhv=tuple(draw(st.lists(right, min_size=1, max_size=3))))
    if op in PAIRS:
        low, high = draw(right), draw(right)
        return Rule(lhv=id, op=op, rhv=(low, high) if holds(kind, Op.LESS_OR_EQUAL, low, high) else (high, low))
    return Rule(lhv=id, op=op, rhv=draw(PATTERN if op in PATTERNS else right))


NESTED: st.SearchStrategy[AnyRule] = st.recursive(
    rules(),
    lambda inner: st.builds(
        RuleSet, op=st.sampled_from(["and", "or"]), rules=st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=5,
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(STORED, min_size=1, max_size=8), asked=st.lists(NESTED, min_size=1, max_size=3))
def test_whatever_is_asked_chooses_the_rows_that_sqlite_chooses(
    postgresql_url: str, tmp_path: Path, rows: list[dict[str, Any]], asked: list[AnyRule]
):
    request = request_for(Filter(rules=tuple(asked)))
    databases: list[Database] = [Sqlite(tmp_path / "small.db"), Postgresql(postgresql_url)]
    for database in databases:
        database.fill(rows)
    reference, found = (chosen(database, request) for database in databases)
    assert found == reference
