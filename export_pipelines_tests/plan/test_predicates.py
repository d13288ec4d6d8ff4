"""The filter block, run on SQLite."""

from datetime import date
from typing import Any

import pytest

from export_pipelines.definition.filters import Filter, Operator, Rule, RuleSet
from export_pipelines.errors import RequestError
from export_pipelines.plan.dialects import dialect_of
from export_pipelines.plan.plan import Window
from export_pipelines.plan.query.predicates import predicates_of
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.query.staging import StagingTable
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.window import WHOLE
from export_pipelines_tests.plan.tables import DATASET, FIELDS, chosen, request_for, store, window

FLOW = "5f2b00000000000000000001"
TIMES = [
    "2024-01-14T23:59:59.999Z",  # 0, a Sunday
    "2024-01-15T00:00:00.000Z",  # 1, a Monday
    "2024-01-15T09:00:00.000Z",  # 2
    "2024-01-15T16:59:59.999Z",  # 3
    "2024-01-15T17:00:00.000Z",  # 4
    "2024-01-16T00:00:00.000Z",  # 5, a Tuesday
    None,  # 6
]
LEAD_IDS = [f"{number:024d}" for number in range(len(TIMES))]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"dates": (date(2024, 1, 15),)}, [1, 2, 3, 4]),
        ({"dates": (date(2024, 1, 16), date(2024, 1, 14))}, [0, 5]),
        ({"dates": (date(2024, 1, 15), date(2024, 1, 14))}, [0, 1, 2, 3, 4]),
        ({"hours": "09:00-17:00"}, [2, 3]),
        ({"hours": "17:00-09:00"}, [0, 1, 4, 5]),
        ({"hours": "17:00-24:00"}, [0, 4]),
        ({"weekdays": ("Sunday", "tue")}, [0, 5]),
        ({"hours": "00:00-10:00", "weekdays": ("monday",)}, [1, 2]),
        ({"hours": "17:00-09:00", "weekdays": ("monday",)}, [4, 5]),
        ({"hours": "22:00-06:00", "weekdays": ("sunday", "saturday")}, [0, 1]),
        ({"lead_ids": (LEAD_IDS[0], LEAD_IDS[6], "f" * 24)}, [0, 6]),
        ({}, [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_the_filter_takes_times_and_ids(filter: dict[str, Any], expected: list[int]) -> None:
    rows = store([{"at": time, "lead_id": id} for time, id in zip(TIMES, LEAD_IDS, strict=True)])
    assert chosen(rows, request_for(Filter(**filter))) == expected


@pytest.mark.parametrize("fraction", ["", ".000", ".000000"])
@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_a_window_holds_its_start_and_not_its_end(fraction: str, zone: str) -> None:
    times = ("2024-01-14T23:59:59", "2024-01-15T00:00:00", "2024-01-15T23:59:59", "2024-01-16T00:00:00")
    rows = store([{"at": time + fraction + zone} for time in times])
    assert chosen(rows, request_for(Filter(), window("2024-01-15", "2024-01-16"))) == [1, 2]


@pytest.mark.parametrize(
    ("last", "expected"),
    [("1 day", [1, 2, 3, 4]), ("2 days", [0, 1, 2, 3, 4]), ("3 months", [0, 1, 2, 3, 4])],
)
def test_the_last_days_are_cut_from_the_window(last: str, expected: list[int]) -> None:
    rows = store([{"at": time} for time in TIMES])
    assert chosen(rows, request_for(Filter(last=last), window("2024-01-14", "2024-01-16"))) == expected


def test_the_last_days_of_the_whole_history_need_an_end() -> None:
    with pytest.raises(RequestError, match="the last 30 days need a window that ends"):
        chosen(store([]), request_for(Filter(last="30 days"), WHOLE))


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"flows": ("AUTO",)}, [0]),
        ({"flows": (FLOW,)}, [0]),
        ({"flows": ("home", FLOW)}, [0, 1]),
        ({"flows": ("auto",), "sources": ("web",)}, []),
        ({"sources": ("Web",)}, [1]),
    ],
)
def test_flows_and_sources_go_by_name_without_case_or_by_id(
    filter: dict[str, Any], expected: list[int]
) -> None:
    rows = store([{"flow_id": FLOW}, {"flow_id": "f2", "source_id": "s1"}, {}])
    rows.executemany("INSERT INTO flows VALUES (?, ?)", [(FLOW, "Auto"), ("f2", "Home")])
    rows.execute("INSERT INTO sources VALUES ('s1', 'Web')")
    assert chosen(rows, request_for(Filter(**filter))) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"word": "TX"}, [0, 1]),
        ({"word": ("tx", "CA")}, [0, 1, 2]),
        ({"word": None}, [4]),
        ({"word": ("ca", None)}, [2, 4]),
        ({"word": ""}, [3]),
        ({"word": "tx", "price": 25}, [0]),
        ({"price": ("25.0", "1")}, [0, 2]),
        ({"flag": True}, [2]),
    ],
)
def test_where_is_equality_or_one_of(where: dict[str, Any], expected: list[int]) -> None:
    rows = store(
        [
            {"word": "TX", "price": "25.00"},
            {"word": "tx", "price": "25.01"},
            {"word": "CA", "price": "1.00", "flag": 1},
            {"word": "", "flag": 0},
            {},
        ]
    )
    assert chosen(rows, request_for(Filter(where=where))) == expected


def test_rules_nest_and_stand_together_with_and() -> None:
    rows = store([{"word": word, "size": size} for word in "ab" for size in (1, 2, 3)])
    small, large = (Rule(lhv="size", op=Operator.EQUAL, rhv=size) for size in (1, 3))
    a = Rule(lhv="word", op=Operator.EQUAL, rhv="a")
    inner = RuleSet(op="and", rules=(a, RuleSet(op="or", rules=(small, large))))
    assert chosen(rows, request_for(Filter(rules=(inner,)))) == [0, 2]
    assert chosen(rows, request_for(Filter(rules=(a, small)))) == [0]
    assert chosen(rows, request_for(Filter(rules=(RuleSet(op="or", rules=(a, small)),)))) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        (
            {"last": "30000 months"},
            '"30000 months" before 2024-02-01T00:00:00.000Z is before the calendar begins',
        ),
        ({"recipients": ("Buyer",)}, 'unknown field "recipient.name"'),
        ({"events": ("recipient.*",)}, "leads have no events to choose from"),
        ({"where": {"word": ()}}, "a list of values, not a list of 0"),
        ({"where": {"wrod": "x"}}, 'unknown field "wrod"; did you mean "word"?'),
    ],
)
def test_a_filter_that_cannot_be_is_refused_with_its_place(filter: dict[str, Any], message: str) -> None:
    (key,) = filter
    request = request_for(
        Filter(**filter), window("2024-01-01", "2024-02-01"), lines={f"filter.{key}": 9, "filter": 8}
    )
    with pytest.raises(RequestError) as caught:
        chosen(store([]), request)
    assert str(caught.value).startswith("exports/test.yaml:9: ")
    assert message in str(caught.value)


def test_only_the_tables_that_are_named_are_joined() -> None:
    query = build_query(request_for(Filter(flows=("Auto",))), [FIELDS[0]])
    assert " flows " in query.sql
    assert " flows " in query.count_sql
    assert " sources " not in query.sql
    assert "JOIN" not in build_query(request_for(Filter(flows=(FLOW,))), [FIELDS[0]]).sql


def test_what_a_filter_gives_is_never_part_of_the_sql() -> None:
    nasty = "'; DROP TABLE leads; --"
    request = request_for(
        Filter(
            flows=(nasty,), where={"word": nasty}, rules=(Rule(lhv="word", op=Operator.INCLUDES, rhv=nasty),)
        )
    )
    query = build_query(request, FIELDS)
    assert "DROP" not in query.sql
    assert chosen(
        store([{"word": f"x{nasty}"}]), request_for(Filter(rules=request.definition.filter.rules))
    ) == [0]


def test_a_text_reads_as_the_filter_means_it() -> None:
    filter = Filter(
        dates=(date(2024, 1, 15),),
        where={"word": ("a", None)},
        rules=(
            RuleSet(
                op="or",
                rules=(
                    Rule(lhv="price", op=Operator.GREATER, rhv=25),
                    Rule(lhv="flag", op=Operator.EQUAL, rhv=True),
                ),
            ),
        ),
    )
    request = request_for(filter, Window(**window("2024-01-01", "2024-02-01").model_dump()))
    tables = Tables(DATASET, dialect_of("sqlite"), None)
    asked = predicates_of(request, tables, lambda: StagingTable(tables))
    assert asked.residual == ()
    assert [predicate.text for predicate in asked.pushed] == [
        "at in [2024-01-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)",
        "at on 2024-01-15",
        'word is one of "a", null',
        "(price is greater than 25 or flag is equal to true)",
    ]
