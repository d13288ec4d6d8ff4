"""What a database cannot be asked exactly is asked of its rows afterwards: the same rules choose the same rows."""

import random
import resource
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.definition.filters import AnyRule, Filter, Rule, RuleSet
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError
from export_pipelines.plan.query.operators import operators_of
from export_pipelines.plan.query.query import Groups, Query, ResidualFilter, SourceColumn
from export_pipelines.plan.query.select import build_query
from export_pipelines.read.residual import Asking
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.plan.oracle import holds
from export_pipelines_tests.plan.tables import DATASET, FIELDS, request_for
from export_pipelines_tests.plan.test_operators import BY_FUNCTION, LISTS, PAIRS, PATTERNS, UNARY
from export_pipelines_tests.read.databases import Database, Postgresql, Sqlite, chosen, source_of

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
    some = right.filter(lambda value: value != "") if op in (Op.INCLUDES, Op.NOT_INCLUDES) else right
    return Rule(lhv=id, op=op, rhv=draw(PATTERN if op in PATTERNS else some))


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
        connection.execute("CREATE SCHEMA IF NOT EXISTS rest")
    found = (
        Sqlite(tmp_path_factory.mktemp("rest") / "small.db"),
        Postgresql(f"{postgresql_url}?options=-csearch_path%3Drest"),
    )
    for database in found:
        database.fill(rows)
    return found


@settings(max_examples=examples(25))
@given(asked=st.lists(NESTED, min_size=1, max_size=2))
def test_whatever_is_asked_chooses_the_rows_that_sqlite_chooses(
    filled: tuple[Database, Database], asked: list[AnyRule]
) -> None:
    sqlite, postgresql = filled
    request = request_for(Filter(rules=tuple(asked)))
    assert chosen(postgresql, request) == chosen(sqlite, request)


def rest_query(*rules: AnyRule) -> Query:
    return build_query(replace(request_for(Filter(rules=rules)), dialect="postgresql"), [FIELDS[0]])


@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_a_time_that_no_calendar_holds_is_refused_with_its_row(postgresql_url: str, value: str) -> None:
    database = Postgresql(postgresql_url)
    database.fill([{"at": "2024-01-01T00:00:00Z"}, {"at": value}])
    either = RuleSet(op="or", rules=(Rule(lhv="at", op=Op.BLANK), Rule(lhv="email", op=Op.VALID)))
    with pytest.raises(DataError, match=r"lead_id 1, .* at: a stored time is infinite"):
        list(source_of(database).read(rest_query(either)))


def test_json_that_does_not_parse_is_told_without_it(postgresql_url: str) -> None:
    database = Postgresql(postgresql_url)
    database.fill([{"doc": '{"word": "x"}'}, {}])
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("ALTER TABLE leads ALTER doc TYPE text")
        connection.execute("UPDATE leads SET doc = '{secret' WHERE lead_id = '1'")
    with pytest.raises(DataError, match="JSON that does not parse") as caught:
        list(source_of(database).read(rest_query(Rule(lhv="doc.word", op=Op.EQUAL, rhv="é"))))
    assert "secret" not in str(caught.value)


def test_what_a_function_of_the_rest_refuses_is_told_with_its_row() -> None:
    asked = "SELECT 0, json_extract(\"rest 0 word\", '$.a') FROM rest"
    text = SourceColumn(name="rest 0 word", kind=Kind.TEXT, type="text")
    residual = ResidualFilter(sql=asked, columns=(text,), sql_names=("a",))
    names = [SourceColumn(name=name, kind=Kind.TEXT, type="text") for name in ("lead_id", "a")]
    query = Query(sql="", count_sql="", columns=tuple(names), residual=residual)
    source = Handing(
        pa.record_batch({"lead_id": ["5", "6"], "word": ["{}", None]}),
        pa.record_batch({"lead_id": ["7", "8", "9"], "word": ["{}", "{secret", "{"]}),
    )
    with pytest.raises(DataError, match="^lead_id 8, word: JSON that does not parse") as caught:
        list(Asking(source).read(query))
    assert not caught.value.retryable and "secret" not in str(caught.value)


def test_a_rule_as_a_whole_is_pushed_or_not_and_the_others_with_it_are(postgresql_url: str) -> None:
    small, valid = Rule(lhv="size", op=Op.LESS, rhv=5), Rule(lhv="email", op=Op.VALID)
    query = rest_query(small, RuleSet(op="or", rules=(small, valid)))
    assert query.residual and query.sql.count("leads.size") == query.count_sql.count("leads.size") + 1
    assert "is_valid" in query.residual.sql and "OR" in query.residual.sql
    assert [column.name for column in query.residual.columns] == ["rest 2 email", "rest 5 size"]
    assert rest_query(small).residual is None


class Handing:
    """A source that hands out batches."""

    holds_utf8 = True

    def __init__(self, *batches: pa.RecordBatch) -> None:
        self.batches, self.asked, self.closed = batches, list[Query](), False

    def check(self, query: Query) -> None:
        self.asked.append(query)

    def count(self, query: Query) -> int:
        return sum(batch.num_rows for batch in self.batches)

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        yield from map(self.count, queries)

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        self.asked.append(query)
        try:
            yield from self.batches
        finally:
            self.closed = True


def emails(*values: str | None) -> pa.RecordBatch:
    return pa.record_batch({"id": [str(n) for n, _ in enumerate(values)], "cut_off": list(values)})


def test_batches_keep_their_order_and_lose_the_columns_that_were_only_asked() -> None:
    source = Handing(emails("a@x.org", "no", None, "b@x.org"), emails("no"), emails("c@x.org"))
    batches = list(Asking(source).read(rest_query(Rule(lhv="email", op=Op.VALID))))
    assert [batch.to_pydict() for batch in batches] == [{"lead_id": ["0", "3"]}, {"lead_id": ["0"]}]
    assert source.closed


def test_the_reader_is_asked_for_what_its_select_gives() -> None:
    source = Handing()
    query = rest_query(Rule(lhv="email", op=Op.VALID))
    assert list(Asking(source).read(query)) == []
    assert source.asked == [query.model_copy(update={"columns": query.selected, "residual": None})]


def test_the_source_is_closed_when_reading_ends_early() -> None:
    source = Handing(emails("a@x.org"), emails("b@x.org"))
    with closing(Asking(source).read(rest_query(Rule(lhv="email", op=Op.VALID)))) as batches:  # type: ignore[type-var]
        next(batches)
        assert not source.closed
    assert source.closed


@contextmanager
def no_file_can_grow() -> Iterator[None]:
    """No fixture: pytest says how a test ended before fixtures end, perhaps into a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_that_is_sorted_or_grouped_reaches_a_disk() -> None:
    values = [f"{n % 977:05d}{'x' * 900}" for n in range(20_000)]  # more than SQLite sorts without a file
    text = SourceColumn(name="rest 0 word", kind=Kind.TEXT, type="text")
    groups = Groups(sql="SELECT word FROM measured GROUP BY 1", columns=("word",))
    residual = ResidualFilter(sql='SELECT "rest 0 word" FROM rest', columns=(text,), groups=groups)
    query = Query(sql="", count_sql="", columns=(text,), residual=residual)
    with no_file_can_grow():
        batches = Asking(Handing(pa.record_batch({"word": values}))).read(query)
        assert sum(batch.num_rows for batch in batches) == 977
