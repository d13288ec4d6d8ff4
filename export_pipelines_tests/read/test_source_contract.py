"""What every source owes, run on every database."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import SourceError
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.plan.oracle import holds, moment
from export_pipelines_tests.plan.tables import DATASET, request_for, window
from export_pipelines_tests.plan.test_operators import VALUES, asked, compared_by
from export_pipelines_tests.read.databases import (
    Database,
    Sqlite,
    all_chosen,
    chosen,
    query_of,
    read,
    source_of,
)

TYPED = {  # fields whose column holds a type of its own where the database has types
    "word": "Straße é \"x\" 'y' \\ \t 😀",
    "amount": "-12.50",
    "price": "9999999999999999.99",
    "size": -(2**63),
    "flag": True,
    "day": "2024-02-29",
    "at": "2024-02-29T23:59:59.999Z",
    "at_sql": "2024-02-29 23:59:59.999",
    "at_s": "1709251199.999",
    "at_ms": 1709251199999,
    "doc": '{"word":"x","deep":{"amount":1.10},"flag":true,"tags":["a",5]}',
}
READ = {
    **TYPED,
    "price": Decimal("9999999999999999.99"),
    "day": date(2024, 2, 29),
    **dict.fromkeys(("at", "at_sql", "at_s", "at_ms"), datetime(2024, 2, 29, 23, 59, 59, 999000, UTC)),
    "doc.word": "x",
    "doc.deep.amount": "1.10",
    "doc.flag": True,
    "doc.tags": '["a",5]',
}


ROWS = 24


@settings(
    max_examples=examples(1),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_an_operator_selects_what_its_meaning_says(database: Database, data: st.DataObject) -> None:
    """Every operator of every kind is asked of one table."""
    values = {
        id: data.draw(st.lists(st.none() | stored, min_size=ROWS, max_size=ROWS), id)
        for id, (stored, _) in VALUES.items()
    }
    assume(any(value is not None for column in values.values() for value in column))
    if not isinstance(database, Sqlite):
        values["word"] = [value and value.replace("\0", "") for value in values["word"]]
    database.fill([dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)])
    rules = [
        Rule(lhv=id, op=op, rhv=data.draw(asked(id, op), f"{id} {op}"))
        for id in VALUES
        for op in compared_by(id)
    ]
    assert all_chosen(database, rules) == {
        str(rule): [
            n
            for n, value in enumerate(values[rule.lhv])
            if holds(DATASET.find(rule.lhv).kind, rule.op, value, rule.rhv)
        ]
        for rule in rules
    }


def assert_chosen(database: Database, expected: Sequence[tuple[str, Op, Any, list[int]]]) -> None:
    """Each rule, by field, operator and right-hand value, chooses these rows."""
    rules = {Rule(lhv=id, op=op, rhv=rhv): rows for id, op, rhv, rows in expected}
    assert all_chosen(database, rules) == {str(rule): rows for rule, rows in rules.items()}


def test_a_time_compares_alike_in_every_way_it_is_stored(database: Database) -> None:
    spell: dict[str, Callable[[datetime], Any]] = {
        "at": lambda m: m.isoformat(),
        "at_sql": lambda m: m.strftime("%Y-%m-%d %H:%M:%S"),
        "at_s": lambda m: int(m.timestamp()),
        "at_ms": lambda m: int(m.timestamp()) * 1000,
    }
    times = map(moment, ("2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", "2024-03-01T00:00:01Z"))
    database.fill([*({id: say(time) for id, say in spell.items()} for time in times), {}])
    expected = {
        Op.EQUAL: [1],
        Op.LESS: [0],
        Op.LESS_OR_EQUAL: [0, 1],
        Op.GREATER: [2],
        Op.NOT_EQUAL: [0, 2, 3],
    }
    assert_chosen(
        database,
        [(id, op, "2024-03-01T01:00:00+01:00", rows) for id in spell for op, rows in expected.items()],
    )


def test_values_inside_json_obey_the_rules(database: Database) -> None:
    documents = [
        '{"word": "Loan", "deep": {"amount": 1.10}, "flag": true, "tags": ["red", "Blue"]}',
        '{"word": ["red", "blue"], "deep": {"amount": "1.1"}, "flag": false, "tags": [5]}',
        '{"word": "", "deep": {"amount": null}, "flag": null, "tags": []}',
        "{ }",
        None,
        "null",
    ]
    database.fill([{"doc": document} for document in documents])
    assert_chosen(
        database,
        [
            ("doc.word", Op.EQUAL, "LOAN", [0]),
            ("doc.word", Op.INCLUDES, "oa", [0]),
            ("doc.word", Op.INCLUDES, "RED", [1]),
            ("doc.word", Op.INCLUDES, "re", []),
            ("doc.word", Op.NOT_INCLUDES, "red", [0, 2, 3, 4, 5]),
            ("doc.tags", Op.INCLUDES, "BLUE", [0]),
            ("doc.tags", Op.INCLUDES, "5", [1]),
            ("doc.deep.amount", Op.EQUAL, "1.1", [0, 1]),
            ("doc.deep.amount", Op.GREATER, 1, [0, 1]),
            ("doc.flag", Op.TRUE, None, [0]),
            ("doc.flag", Op.NOT_TRUE, None, [1, 2, 3, 4, 5]),
            ("doc.word", Op.BLANK, None, [2, 3, 4, 5]),
            ("doc", Op.BLANK, None, [3, 4, 5]),
            ("doc.tags", Op.BLANK, None, [2, 3, 4, 5]),
        ],
    )


def test_beside_a_text_that_is_not_ascii_case_is_folded(database: Database) -> None:
    database.fill([{"word": "STRASSE Ä"}, {"word": "Straße ä"}, {"word": "strasse a"}])
    assert_chosen(database, [("word", op, "straße ä", [0, 1]) for op in (Op.EQUAL, Op.INCLUDES)])


def test_validity_and_parts_of_values_are_asked_everywhere(database: Database) -> None:
    database.fill(
        [
            {"email": "a@Example.com", "size": 1},
            {"email": " b@example.com", "size": 2},
            {"email": "no address", "size": 3},
            {"email": "c@gmail.com", "size": -4},
            {},
        ]
    )
    assert_chosen(
        database,
        [
            ("email", Op.VALID, None, [0, 1, 3]),
            ("email", Op.INVALID, None, [2, 4]),
            ("email.domain", Op.EQUAL, "EXAMPLE.com", [0, 1]),
            ("email.domain", Op.NOT_EQUAL, "example.com", [2, 3, 4]),
            ("email.domain", Op.BLANK, None, [2, 4]),
            ("email.is_free", Op.TRUE, None, [3]),
            ("email.is_free", Op.NOT_TRUE, None, [0, 1, 2, 4]),
            ("email.user", Op.MATCHES, "^[a-b]$", [0, 1]),
            ("size", Op.VALID, None, [0, 1, 2, 3]),
        ],
    )


def test_hours_days_and_dates_are_those_of_utc(database: Database) -> None:
    database.fill(
        [{"at": "2024-03-01T00:30:00Z"}, {"at": "2024-03-01T09:00:00Z"}, {"at": "2024-03-02T23:59:59.999Z"}]
    )
    for filter, expected in (
        (Filter(hours="09:00-17:00"), [1]),
        (Filter(hours="22:00-02:00"), [0, 2]),
        (Filter(weekdays=("saturday",)), [2]),
        (Filter(hours="22:00-02:00", weekdays=("thursday",)), [0]),
        (Filter(hours="22:00-02:00", weekdays=("friday",)), []),
        (Filter(dates=(date(2024, 3, 1),)), [0, 1]),
    ):
        assert chosen(database, request_for(filter)) == expected, filter


def test_a_window_holds_its_start_and_not_its_end(database: Database) -> None:
    times = [
        "2024-02-29T23:59:59.999Z",
        "2024-03-01T00:00:00Z",
        "2024-03-01T23:59:59.999Z",
        "2024-03-02T00:00:00Z",
    ]
    database.fill([{"at": time} for time in times])
    day = window("2024-03-01", "2024-03-02")
    assert chosen(database, request_for(Filter(), day)) == [1, 2]


def test_what_a_person_writes_is_only_ever_a_value(database: Database) -> None:
    words = ("it's", "100%", "$1", 'a"b', "\\", "%s", "'; DROP TABLE leads; --", "?", "other")
    database.fill([{"word": word} for word in words])
    assert_chosen(database, [("word", Op.EQUAL, word, [n]) for n, word in enumerate(words)])


def test_every_kind_is_read_exactly_and_null_stays_null(database: Database) -> None:
    database.fill([{}, TYPED, {}])
    query = query_of(database)
    rows = {row["lead_id"]: row for row in read(database, query)}
    assert {id: rows["1"][id] for id in READ} == READ
    assert all(rows["0"][id] is None for id in READ)


def test_nothing_is_read_from_an_empty_table(database: Database) -> None:
    database.fill([])
    assert read(database, query_of(database)) == []


@pytest.mark.parametrize(
    ("table", "message"), [("leeds", "leeds"), ("leads", "wrod")], ids=["table", "column"]
)
def test_what_is_not_there_is_named(database: Database, table: str, message: str) -> None:
    database.fill([])
    query = query_of(database)
    sql = (
        query.sql.replace("leads.word", f"leads.{message}")
        if table == "leads"
        else re.sub(r"\bleads\b", table, query.sql)
    )
    with pytest.raises(SourceError, match=message):
        source_of(database).check(query.model_copy(update={"sql": sql}))


def test_a_number_or_a_truth_in_a_text_of_json_is_text_as_it_is_written(database: Database) -> None:
    words = (
        *("12345678901234567890123", "1.10", "-0.0", "1e400", "1E5", "true", "false", "0.1", "100"),
        "47.37688781234567",
    )
    documents = [document for word in words for document in (f'{{"word":{word}}}', f'{{"word":"{word}"}}')]
    database.fill([{"doc": document} for document in (*documents, '{"word":null}')])
    rows = {int(row["lead_id"]): row["doc.word"] for row in read(database, query_of(database))}
    assert [rows[n] for n in sorted(rows)] == [*(word for word in words for _ in range(2)), None]
    assert_chosen(
        database, [("doc.word", Op.EQUAL, word, [2 * n, 2 * n + 1]) for n, word in enumerate(words)]
    )
    holding = {
        word[:2]: [n for n, one in enumerate(words) if word[:2].lower() in one.lower()] for word in words
    }
    assert_chosen(
        database,
        [
            ("doc.word", Op.INCLUDES, part, [row for n in rows for row in (2 * n, 2 * n + 1)])
            for part, rows in holding.items()
        ],
    )
