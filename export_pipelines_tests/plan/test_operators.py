"""Every rule operator over every kind, run on SQLite, against the oracle."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import RequestError
from export_pipelines.plan.query.operators import operators_of
from export_pipelines.plan.query.values import coerce
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.plan.oracle import holds, moment
from export_pipelines_tests.plan.tables import DATASET, chosen, request_for, store

TEXTS = st.text(alphabet="aAbZz09%_ éÉñ'\"\\\n", max_size=4)
NUMBERS = st.one_of(
    st.integers(-50, 50).map(str),
    st.decimals(-50, 50, places=2).map(str),
    st.sampled_from(["9007199254740993", "9007199254740992", "-0.00", "1e2", "25", "25.0", "25.00"]),
)
NOT_NUMBERS = st.sampled_from(["", " ", "N/A", "abc", "10-20", "1.2.3", "12 apples", "-", "e5", "0x1F"])
DAYS = st.dates().map(str)
MOMENTS = st.integers(0, 3_000).map(
    lambda ms: (
        f"2024-02-29T23:59:{58 + ms // 1000:02d}.{ms % 1000:03d}Z"
        if ms < 2000
        else f"2024-03-01T00:00:00.{ms % 1000:03d}Z"
    )
)
VALUES: dict[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {  # field: (stored, right-hand)
    "word": (st.one_of(TEXTS, st.sampled_from(["Yes", "no", "TRUE", "f", "0", "1"])), TEXTS),
    "amount": (st.one_of(NUMBERS, NOT_NUMBERS), NUMBERS),
    "price": (st.decimals(-50, 50, places=2).map(str), NUMBERS),
    "size": (st.integers(-(2**63), 2**63 - 1), st.one_of(st.integers(-60, 60), st.just(2**63 - 1))),
    "flag": (st.sampled_from([0, 1]), st.sampled_from([True, False])),
    "day": (DAYS, DAYS),
    "at": (MOMENTS, MOMENTS),
}
LISTS = (Op.INCLUDED, Op.NOT_INCLUDED)
PAIRS = (Op.BETWEEN, Op.NOT_BETWEEN)
UNARY = (Op.BLANK, Op.NOT_BLANK, Op.TRUE, Op.NOT_TRUE, Op.FALSE, Op.NOT_FALSE)
PATTERNS = (Op.MATCHES, Op.NOT_MATCHES)
BY_FUNCTION = (Op.VALID, Op.INVALID)


INCLUDE = (Op.INCLUDES, Op.NOT_INCLUDES)


@st.composite
def asked(draw: st.DrawFn, id: str, op: Op) -> Any:
    """A right-hand value that the operator takes on the field."""
    _, right = VALUES[id]
    if op in UNARY:
        return None
    if op in LISTS:
        return tuple(draw(st.lists(right, min_size=1, max_size=3)))
    if op in PAIRS:
        low, high = draw(right), draw(right)
        ordered = holds(DATASET.find(id).kind, Op.LESS_OR_EQUAL, low, high)
        return (low, high) if ordered else (high, low)
    if op in PATTERNS:
        return draw(st.sampled_from(["^a", "[0-9]$", "é", "z|Z", "^2.*-01$"]))
    return draw(right.filter(lambda value: value != "" or op not in INCLUDE))


def compared_by(id: str) -> list[Op]:
    """The operators of the field but for those that ask its type."""
    return [op for op in operators_of(DATASET.find(id).kind) if op not in BY_FUNCTION]


@st.composite
def rules(draw: st.DrawFn, id: str) -> tuple[list[Any], Op, Any]:
    """Stored values, some null, an operator that the field knows, and its right-hand value."""
    stored, _ = VALUES[id]
    op = draw(st.sampled_from(compared_by(id)))
    return draw(st.lists(st.none() | stored, min_size=1, max_size=12)), op, draw(asked(id, op))


@pytest.mark.parametrize("id", VALUES)
@given(data=st.data())
@settings(max_examples=examples(50))
def test_an_operator_selects_what_its_meaning_says(id: str, data: st.DataObject) -> None:
    values, op, rhv = data.draw(rules(id))
    kind = DATASET.find(id).kind
    rows = store([{id: value} for value in values])
    expected = [n for n, value in enumerate(values) if holds(kind, op, value, rhv)]
    assert chosen(rows, request_for(Filter(rules=(Rule(lhv=id, op=op, rhv=rhv),)))) == expected


@pytest.mark.parametrize(
    ("id", "spell"),
    [
        ("at", lambda m: m.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"),
        ("at", lambda m: m.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("at", lambda m: m.isoformat(timespec="milliseconds")),
        ("at_sql", lambda m: m.strftime("%Y-%m-%d %H:%M:%S.%f")),
        ("at_sql", lambda m: m.strftime("%Y-%m-%d %H:%M:%S")),
        ("at_ms", lambda m: round(m.timestamp() * 1000)),
        ("at_s", lambda m: m.timestamp()),
        ("at_s", lambda m: int(m.timestamp())),
    ],
)
@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (Op.EQUAL, [1]),
        (Op.NOT_EQUAL, [0, 2, 3]),
        (Op.LESS, [0]),
        (Op.LESS_OR_EQUAL, [0, 1]),
        (Op.GREATER, [2]),
        (Op.GREATER_OR_EQUAL, [1, 2]),
    ],
)
def test_a_time_compares_alike_in_every_way_it_is_stored(
    id: str, spell: Any, op: Op, expected: list[int]
) -> None:
    times = ["2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", "2024-03-01T00:00:01Z"]
    rows = store([*({id: spell(moment(time))} for time in times), {}])
    rule = Rule(lhv=id, op=op, rhv="2024-03-01T01:00:00+01:00")
    assert chosen(rows, request_for(Filter(rules=(rule,)))) == expected


@pytest.mark.parametrize(
    ("id", "op", "rhv", "expected"),
    [
        ("doc.word", Op.EQUAL, "LOAN", [0]),
        ("doc.word", Op.INCLUDES, "oa", [0]),
        ("doc.word", Op.INCLUDES, "RED", [1]),  # a list: member, not substring
        ("doc.word", Op.INCLUDES, "re", []),
        ("doc.word", Op.NOT_INCLUDES, "red", [0, 2, 3, 4, 5]),
        ("doc.tags", Op.INCLUDES, "BLUE", [0]),
        ("doc.tags", Op.INCLUDES, "5", [1]),
        ("doc.tags", Op.NOT_INCLUDES, "blue", [1, 2, 3, 4, 5]),
        ("doc.deep.amount", Op.EQUAL, "1.1", [0, 1]),
        ("doc.deep.amount", Op.GREATER, 1, [0, 1]),
        ("doc.flag", Op.TRUE, None, [0]),
        ("doc.flag", Op.FALSE, None, [1]),
        ("doc.flag", Op.NOT_TRUE, None, [1, 2, 3, 4, 5]),
        ("doc.word", Op.BLANK, None, [2, 3, 4, 5]),
        ("doc", Op.BLANK, None, [3, 4, 5]),
        ("doc", Op.NOT_BLANK, None, [0, 1, 2]),
        ("doc.tags", Op.BLANK, None, [2, 3, 4, 5]),
    ],
)
def test_values_inside_json_obey_the_rules(id: str, op: Op, rhv: Any, expected: list[int]) -> None:
    documents = [
        '{"word": "Loan", "deep": {"amount": 1.10}, "flag": true, "tags": ["red", "Blue"]}',
        '{"word": ["red", "blue"], "deep": {"amount": "1.1"}, "flag": false, "tags": [5]}',
        '{"word": "", "deep": {"amount": null}, "flag": null, "tags": []}',
        "{ }",
        None,
        "",
    ]
    rows = store([{"doc": document} for document in documents[:5]] + [{"doc": "null"}])
    assert chosen(rows, request_for(Filter(rules=(Rule(lhv=id, op=op, rhv=rhv),)))) == expected


@pytest.mark.parametrize("op", [Op.EQUAL, Op.INCLUDES])
def test_beside_a_text_that_is_not_ascii_case_is_folded_as_unicode_says(op: Op) -> None:
    rows = store([{"word": "STRASSE Ä"}, {"word": "Straße ä"}, {"word": "strasse a"}])
    assert chosen(rows, request_for(Filter(rules=(Rule(lhv="word", op=op, rhv="straße ä"),)))) == [0, 1]


@pytest.mark.parametrize(("op", "expected"), [(Op.VALID, [0]), (Op.INVALID, [1, 2])])
def test_format_is_valid_asks_the_fields_type(op: Op, expected: list[int]) -> None:
    rows = store([{"email": "a@example.com"}, {"email": "no address"}, {}])
    assert chosen(rows, request_for(Filter(rules=(Rule(lhv="email", op=op),)))) == expected


def test_a_rule_on_a_component_sees_the_part_of_the_value() -> None:
    rows = store([{"email": "a@Example.com"}, {"email": "b@example.org"}, {}])
    rule = Rule(lhv="email.domain", op=Op.EQUAL, rhv="EXAMPLE.com")
    assert chosen(rows, request_for(Filter(rules=(rule,)))) == [0]


@pytest.mark.parametrize(
    ("id", "op", "rhv", "message"),
    [
        ("price", Op.GREATER, "cheap", "price holds a number, and its rhv is none (write 25 or 25.50)"),
        ("price", Op.GREATER, True, "price holds a number, and its rhv is none (write 25 or 25.50)"),
        ("price", Op.EQUAL, "1e999999999", "price holds a number, and its rhv is none (write 25 or 25.50)"),
        *(("price", Op.EQUAL, text, "price holds a number, and its rhv is none (write 25 or 25.50)")
          for text in ("1_000", "١٢", "１２", "0x10", "1,000", "Infinity", "NaN", "", "+", ".", "1e", "1 000")),
        ("word", Op.INCLUDES, "", "the rhv for word is empty, which every text holds (leave the rule out, or ask whether the field `is blank` or `is not blank`)"),
        ("word", Op.NOT_INCLUDES, "", "the rhv for word is empty, which every text holds (leave the rule out, or ask whether the field `is blank` or `is not blank`)"),
        ("word", Op.MATCHES, "", "the rhv for word is empty, which every text holds (leave the rule out, or ask whether the field `is blank` or `is not blank`)"),
        ("word", Op.EQUAL, 78701, 'word holds text, and its rhv is none (put it in quotes)'),
        ("flag", Op.EQUAL, "maybe", "flag is true or false, and its rhv is neither"),
        ("day", Op.LESS, "2024-02-30", "day holds a date, and its rhv is none that exists (write 2024-01-15)"),
        ("at", Op.LESS, "9999-12-31T23:59:59-14:00", "the rhv of at lies outside of the calendar in UTC"),
        ("at", Op.LESS, "2024-02-28T10:00:00", "at holds a time, and its rhv is none with a zone (write 2024-01-15T10:30:00Z, or 2024-01-15 for its midnight)"),
        ("word", Op.EQUAL, None, "word cannot be compared with nothing (use `is blank` or `is not blank`)"),
        ("word", Op.EQUAL, ("a", "b"), "the rhv of this operator on word is one value, not a list of 2"),
        ("word", Op.INCLUDED, "a", "the rhv of this operator on word is a list of values, not one value"),
        ("word", Op.INCLUDED, (), "the rhv of this operator on word is a list of values, not a list of 0"),
        ("size", Op.BETWEEN, (1, 2, 3), "the rhv of this operator on size is a list of two values, not a list of 3"),
        ("size", Op.BETWEEN, (9, 1), "nothing lies between the two values for size: the second is the lower (write rhv: [low, high])"),
        ("word", Op.BLANK, "x", "this operator on word takes no rhv (leave rhv out)"),
        ("word", Op.MATCHES, "(", 'the rhv for word is no pattern of RE2: a ) is missing (write it as https://github.com/google/re2/wiki/Syntax has it, in single quotes in YAML)'),
        ("doc", Op.EQUAL, "x", '"is equal to" is not for doc, which holds json (allowed: includes, does not include, is blank, is not blank)'),
        ("emial", Op.EQUAL, "x", 'unknown field "emial"; did you mean "email"? (export-pipelines fields leads lists them)'),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_with_its_place(id: str, op: Op, rhv: Any, message: str) -> None:
    request = request_for(Filter(rules=(Rule(lhv=id, op=op, rhv=rhv),)), lines={"filter.rules.0": 7})
    with pytest.raises(RequestError) as caught:
        chosen(store([]), request)
    assert str(caught.value) == f"exports/test.yaml:7: {message}"


def test_a_number_of_a_billion_digits_is_refused_without_writing_them() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RequestError):
            coerce("1e999999999", "price", Kind.DECIMAL)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
