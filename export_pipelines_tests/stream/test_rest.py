"""What a database cannot be asked exactly is asked of its rows afterwards: the same rules choose the same rows."""

import random
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from export_pipelines.definition.filters import AnyRule, Filter, Rule, RuleSet
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.plan.dialects import NotPushable
from export_pipelines.plan.dialects.patterns import posix
from export_pipelines.plan.operators import operators_of
from export_pipelines_tests.plan.oracle import holds
from export_pipelines_tests.plan.tables import DATASET, request_for
from export_pipelines_tests.plan.test_operators import BY_FUNCTION, LISTS, PAIRS, PATTERNS, UNARY
from export_pipelines_tests.stream.databases import Database, Postgresql, Sqlite, chosen

STORED: dict[str, list[Any]] = {
    "word": ["a", "A", "K", "\u212a", "ſ", "é", "É", "ß", "SS", "a\n", "x.y", "5", "yes", " ", ""],
    "email": ["a@Example.com", "b@example.com ", "é@ÉXAMPLE.com", "no address", "", " ", "c@gmail.com"],
    "amount": ["1.1", "1.10", "-3", "2e1", "N/A", "", "9007199254740993"],
    "price": ["1.10", "-3.00", "20.00"],
    "size": [1, -3, 20, 2**63 - 1],
    "flag": [0, 1],
    "day": ["2024-02-29", "2024-03-01", "1999-12-31"],
    "at": ["2024-02-29T23:59:59.999Z", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00.001Z"],
    "doc": [
        '{"word": "É", "deep": {"amount": 1.10}, "flag": true, "tags": ["É", "Blue", 5]}',
        '{"word": ["é", "blue"], "deep": {"amount": "1.1"}, "flag": false, "tags": []}',
        '{"word": 5, "deep": {"amount": null}, "flag": null}',
        "{}", "null", "[]",
    ],
}  # fmt: skip
NUMBERS = st.sampled_from(["1.1", "1.10", "-3", 20, "9007199254740993"])
WORDS = st.sampled_from(STORED["word"])
RIGHTS = {
    "word": WORDS,
    "email": st.sampled_from(STORED["email"]),
    "email.domain": st.sampled_from(["example.com", "éxample.com", "GMAIL.com"]),
    "email.user": WORDS,
    "email.is_free": st.booleans(),
    "amount": NUMBERS,
    "price": NUMBERS,
    "size": NUMBERS,
    "flag": st.booleans(),
    "day": st.sampled_from(STORED["day"]),
    "at": st.sampled_from(STORED["at"]),
    "doc": WORDS,
    "doc.word": WORDS,
    "doc.deep.amount": NUMBERS,
    "doc.flag": st.booleans(),
    "doc.tags": WORDS,
}
PATTERN = st.sampled_from(
    ["^a", "[0-9]$", "é", "(?i)É", r"\w", r"\d", "^$", "a$", "^.$", "^[^a]$", "a|K", r"x\.y", "(?s)a.", r"\s"]
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
        return Rule(
            lhv=id, op=op, rhv=(low, high) if holds(kind, Op.LESS_OR_EQUAL, low, high) else (high, low)
        )
    return Rule(lhv=id, op=op, rhv=draw(PATTERN if op in PATTERNS else right))


NESTED: st.SearchStrategy[AnyRule] = st.recursive(
    rules(),
    lambda inner: st.builds(
        RuleSet, op=st.sampled_from(["and", "or"]), rules=st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def filled(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Database, Database]:
    """The same 120 rows in both databases, a schema of their own in PostgreSQL's."""
    chance = random.Random(7)
    rows = [
        {id: chance.choice(values) for id, values in STORED.items() if chance.random() < 0.8}
        for _ in range(120)
    ]
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE SCHEMA rest")
    found = (
        Sqlite(tmp_path_factory.mktemp("rest") / "small.db"),
        Postgresql(f"{postgresql_url}?options=-csearch_path%3Drest"),
    )
    for database in found:
        database.fill(rows)
    return found


@settings(max_examples=500)
@given(asked=st.lists(NESTED, min_size=1, max_size=2))
def test_whatever_is_asked_chooses_the_rows_that_sqlite_chooses(
    filled: tuple[Database, Database], asked: list[AnyRule]
):
    sqlite, postgresql = filled
    request = request_for(Filter(rules=tuple(asked)))
    assert chosen(postgresql, request) == chosen(sqlite, request)


PIECES = st.sampled_from(
    ["a", "b", "é", " ", "-", "#", ".", "^", "$", "|", "*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "(", ")", "(?:", r"\.", r"\$",
     r"\-", "[ab]", "[^a]", "[a-c-]", "[0-9.]", r"[\].]", "[^é\n]", "[$^]", "\n", "]", "}", r"\\", "(?i)", r"\d"]
)  # fmt: skip
SEARCHED = (
    "",
    "a",
    "ab",
    "ba",
    "aab",
    "é",
    "a\n",
    "\n",
    "a\nb",
    "-",
    "a.b",
    "1-",
    "]",
    "c#",
    "$a",
    "^",
    "A",
    " a ",
    "\\",
    "bb\n\n",
)


@pytest.fixture(scope="module")
def asking(postgresql_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        yield connection


@settings(max_examples=600)
@given(pieces=st.lists(PIECES, max_size=5))
@example(pieces=["a", "$"])
@example(pieces=["(", "a", "|", ")", "b", "$", "|", "^"])
@example(pieces=["[^a]", "."])
def test_a_pattern_that_is_pushed_finds_what_python_finds(asking: psycopg.Connection[Any], pieces: list[str]):
    pattern = "".join(pieces)
    try:
        python = re.compile(pattern)
        pushed = posix(pattern)
    except (re.error, NotPushable):
        return
    rows = asking.execute(
        "SELECT text ~ %s FROM unnest(%s::text[]) AS text", (pushed, list(SEARCHED))
    ).fetchall()
    assert [found for (found,) in rows] == [python.search(text) is not None for text in SEARCHED]


@pytest.mark.parametrize(
    "pattern", ["^a.*@gmail[.]com$", r"^[0-9]{5}(-[0-9]{4})?$", r"\.(org|net)$", "^(TX|CA)"]
)
def test_plain_patterns_are_pushed(pattern: str):
    assert posix(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d",
        r"\w+",
        r"\bword",
        r"(a)\1",
        "(?i)a",
        "a(?=b)",
        "a*+",
        "x{1000}",
        "(a{99}){99}",
        "[[:alpha:]]",
        "***=a",
        r"\Z",
    ],
)
def test_what_may_mean_something_else_there_is_not_pushed(pattern: str):
    with pytest.raises(NotPushable):
        posix(pattern)
