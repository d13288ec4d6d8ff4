"""The shape of a report: no gaps in its time, pivots, totals, null groups, an order of rows, notes."""

import io
import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from export_pipelines.catalog.metrics import METRICS
from export_pipelines.errors import DataError, LimitReached
from export_pipelines.plan.window import WHOLE, window_between
from export_pipelines.transform.report import pivot
from export_pipelines_tests.transform.report import oracle
from export_pipelines_tests.transform.report.store import FIRST_DAY, fill, plan_of, report, run
from export_pipelines_tests.transform.report.test_numbers import of_january

ZEROS = (0, Decimal("0.00"))


@pytest.mark.parametrize(
    ("every", "first", "last", "count"),
    [
        ("hour", datetime(2024, 1, 10, tzinfo=UTC), datetime(2024, 2, 19, 23, tzinfo=UTC), 41 * 24),
        ("day", date(2024, 1, 10), date(2024, 2, 19), 41),
        ("week", date(2024, 1, 8), date(2024, 2, 19), 7),
        ("month", date(2024, 1, 1), date(2024, 2, 1), 2),
    ],
)
def test_every_bucket_of_the_window_is_there(
    every: str, first: date, last: date, count: int, url: str, tmp_path: Path
) -> None:
    window = window_between("2024-01-10", "2024-02-20")  # the leads end on the 14th of February
    rows = report(url, tmp_path, f"metrics: [leads, revenue, acceptance_rate]\nevery: {every}", window)
    buckets = [row[every] for row in rows]
    assert (buckets[0], buckets[-1], len(buckets)) == (first, last, count)
    assert buckets == sorted(set(buckets))


@pytest.mark.parametrize(
    ("every", "chosen", "buckets"),
    [
        ("day", "weekdays: [saturday, monday]", ["2024-01-01", "2024-01-06", "2024-01-08", "2024-01-13"]),
        ("day", "dates: [2024-01-03, 2024-01-20]", ["2024-01-03"]),
        ("week", "weekdays: [saturday]", ["2024-01-01", "2024-01-08"]),
        ("hour", 'dates: [2024-01-03]\n  hours: "09:30-11:00"', ["2024-01-03 09", "2024-01-03 10"]),
        ("hour", 'dates: [2024-01-03]\n  hours: "23:00-01:00"', ["2024-01-03 00", "2024-01-03 23"]),
        (
            "hour",
            'weekdays: [friday]\n  hours: "23:00-01:00"',
            ["2024-01-05 23", "2024-01-06 00", "2024-01-12 23", "2024-01-13 00"],
        ),
        (
            "hour",
            'weekdays: [sunday]\n  hours: "23:30-00:30"',
            ["2024-01-01 00", "2024-01-07 23", "2024-01-08 00"],
        ),
        (
            "day",
            'weekdays: [friday]\n  hours: "22:00-06:00"',
            ["2024-01-05", "2024-01-06", "2024-01-12", "2024-01-13"],
        ),
    ],
)
def test_hours_and_days_that_the_filter_leaves_out_are_not_zero_but_absent(
    every: str, chosen: str, buckets: list[str], sqlite_url: str, tmp_path: Path
) -> None:
    window = window_between("2024-01-01", "2024-01-14")
    rows = report(sqlite_url, tmp_path, f"metrics: [leads]\nevery: {every}\nfilter:\n  {chosen}", window)
    assert [str(row[every])[: len(buckets[0])] for row in rows] == buckets


def test_a_bucket_without_rows_is_zero_and_its_rates_are_null(sqlite_url: str, tmp_path: Path) -> None:
    window = window_between("2023-12-30", "2024-01-02")
    *empty, full = report(sqlite_url, tmp_path, f"metrics: [{', '.join(METRICS)}]\nevery: day", window)
    assert [row.pop("day") for row in empty] == [date(2023, 12, 30), date(2023, 12, 31)]
    for row in empty:
        for name, value in row.items():
            whole = not METRICS[name].per and METRICS[name].percentile is None and not name.startswith("max")
            assert value in ZEROS if whole else value is None, name
    assert full["leads"] > 0


def test_without_fill_only_buckets_with_rows_are_there(sqlite_url: str, tmp_path: Path) -> None:
    window = window_between("2023-12-30", "2024-01-02")
    (row,) = report(sqlite_url, tmp_path, "metrics: [leads]\nevery: day\nfill: false", window)
    assert row["day"] == FIRST_DAY


def test_every_group_has_every_bucket(sqlite_url: str, tmp_path: Path) -> None:
    rows = report(sqlite_url, tmp_path, "metrics: [leads]\nevery: day\ngroup_by: [source.name, outcome]")
    groups = {(row["source_name"], row["outcome"]) for row in rows}
    assert len(rows) == 31 * len(groups)
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)


def test_a_series_over_the_whole_history_goes_from_its_first_bucket_to_its_last(
    sqlite_url: str, tmp_path: Path
) -> None:
    rows = report(
        sqlite_url, tmp_path, "metrics: [leads]\nevery: day\nfilter: {where: {type: source}}", WHOLE
    )
    assert [row["day"] for row in rows] == [FIRST_DAY + timedelta(days=n) for n in range(45)]


def test_an_empty_window_without_groups_is_a_series_of_zeros_and_with_groups_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    window = window_between("2030-01-01", "2030-01-04")
    assert [row["leads"] for row in report(sqlite_url, tmp_path, "metrics: [leads]\nevery: day", window)] == [
        0,
        0,
        0,
    ]
    assert report(sqlite_url, tmp_path, "metrics: [leads]\ngroup_by: [state]", window) == []
    pivoted = "metrics: [leads]\nevery: hour\ngroup_by: [state]\npivot: state\nlimits: {rows: 10}"
    assert report(sqlite_url, tmp_path, pivoted, window) == []
    assert report(sqlite_url, tmp_path, "metrics: [leads]", window) == [{"leads": 0}]


def test_a_null_group_is_a_row_of_its_own_after_the_others(
    sqlite_url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    rows = report(sqlite_url, tmp_path, "metrics: [events]\ngroup_by: [campaign_id]")
    assert rows[-1]["campaign_id"] is None and "" in {row["campaign_id"] for row in rows}
    assert rows[-1]["events"] == of_january(events).campaign_id.isna().sum()


def test_totals_come_from_the_rows_and_not_from_the_groups(
    sqlite_url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    names = ("leads", "cost", "avg_ms", "p95_ms", "acceptance_rate", "max_ms")
    *groups, total = report(
        sqlite_url, tmp_path, f"metrics: [{', '.join(names)}]\ngroup_by: [event_type]\ntotals: true"
    )
    assert (total["event_type"], total["is_total"], {row["is_total"] for row in groups}) == (
        None,
        True,
        {False},
    )
    for name in names:
        assert total[name] == oracle.metric(of_january(events), name, METRICS[name].scale is not None)
    assert total["leads"] < sum(row["leads"] for row in groups)  # a lead has events of several types


def test_a_pivot_makes_a_column_of_each_value_and_metric(sqlite_url: str, tmp_path: Path) -> None:
    lines = "metrics: [leads, revenue]\ngroup_by: [outcome, source.name]"
    rows = report(sqlite_url, tmp_path, lines)
    turned = report(sqlite_url, tmp_path, f"{lines}\npivot: source.name")
    names = sorted({row["source_name"] for row in rows})
    assert list(turned[0]) == [
        "outcome",
        *(f"{name}_{metric}" for name in names for metric in ("leads", "revenue")),
    ]
    groups = {(row["outcome"], row["source_name"]): row for row in rows}
    for row in turned:
        for name in names:
            group = groups.get((row["outcome"], name), {"leads": 0, "revenue": Decimal("0.00")})
            assert (row[f"{name}_leads"], row[f"{name}_revenue"]) == (group["leads"], group["revenue"])


def test_a_pivot_over_time_with_totals_sums_each_column(sqlite_url: str, tmp_path: Path) -> None:
    lines = "metrics: [revenue]\nevery: week\ngroup_by: [recipient.name]\npivot: recipient.name\ntotals: true"
    *weeks, total = report(sqlite_url, tmp_path, lines)
    assert total["is_total"] and total["week"] is None and len(weeks) == 5
    for name in total:
        if name.endswith("_revenue"):
            assert total[name] == sum(row[name] for row in weeks)
    assert "(none)_revenue" in total


def test_the_bucket_itself_may_be_the_pivot(sqlite_url: str, tmp_path: Path) -> None:
    rows = report(sqlite_url, tmp_path, "metrics: [leads]\nevery: month\ngroup_by: [flow]\npivot: month")
    assert list(rows[0]) == ["flow_name", "2024-01-01_leads"]


def test_the_columns_of_a_pivot_are_told_with_what_was_written(sqlite_url: str, tmp_path: Path) -> None:
    plan = plan_of(sqlite_url, tmp_path, "metrics: [leads]\ngroup_by: [type]\npivot: type\nformat: json")
    written, parts = run(sqlite_url, plan)
    assert [column.json_path for column in written.columns][:2] == [
        ("pivot", "feedback-received", "leads"),
        ("pivot", "feedback-sent", "leads"),
    ]
    assert parts["report_by_event_part_1.json"].startswith(b'[\n{"pivot":{"feedback-received":{"leads":')
    assert written.rows == 1 < written.rows_read


def test_too_many_values_of_a_pivot_are_refused(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pivot, "MOST_VALUES", 7)
    plan = plan_of(sqlite_url, tmp_path, "metrics: [leads]\ngroup_by: [source]\npivot: source")
    with pytest.raises(LimitReached, match="the pivot source.name has 8 values, more than the 7"):
        run(sqlite_url, plan)


def test_more_rows_than_the_limit_are_refused_before_anything_is_written(
    sqlite_url: str, tmp_path: Path
) -> None:
    plan = plan_of(sqlite_url, tmp_path, "metrics: [leads]\nevery: hour\nlimits: {rows: 743}")
    with pytest.raises(LimitReached, match="744 rows match, the limit is 743; nothing was written"):
        run(sqlite_url, plan)


def test_the_rows_of_a_series_are_counted_before_they_are_made(sqlite_url: str, tmp_path: Path) -> None:
    lines = "metrics: [leads]\nevery: hour\ngroup_by: [state, postal_code.zip, email.domain]"
    with pytest.raises(LimitReached, match=r"rows match, the limit is 10,000; nothing was written"):
        run(sqlite_url, plan_of(sqlite_url, tmp_path, f"{lines}\nlimits: {{rows: 10000}}"))


@pytest.mark.parametrize(
    ("events", "unavailable"),
    [
        ("recipient.*", ("cost", "profit", "acceptance_rate")),
        ("SOURCE.*", ("revenue", "profit")),
        ("source.accepted, recipient.delivered", ("acceptance_rate", "error_rate")),
        ("source.rejected", ("cost", "revenue", "profit", "acceptance_rate", "error_rate")),
        ("source.*, recipient.*", ()),
        ("'*'", ()),
        ("'*.error', of_our_own.*", ()),
    ],
)
def test_what_the_chosen_events_do_not_tell_is_null_and_not_zero(
    events: str, unavailable: tuple[str, ...], sqlite_url: str, tmp_path: Path
) -> None:
    lines = f"metrics: [events, cost, revenue, profit, acceptance_rate, error_rate]\nfilter: {{events: [{events}]}}"
    shown = plan_of(sqlite_url, tmp_path, lines).report
    assert shown and shown.missing == unavailable
    assert any("filter: {events}" in note and ", ".join(unavailable) in note for note in shown.notes) is bool(
        unavailable
    )
    (row,) = report(sqlite_url, tmp_path, lines)
    assert row["events"] is not None and all(row[id] is None for id in unavailable)


def test_by_recipient_cost_is_null_and_the_plan_says_why(sqlite_url: str, tmp_path: Path) -> None:
    lines = "metrics: [revenue, cost, profit, margin]\ngroup_by: [recipient.name]"
    rows = report(sqlite_url, tmp_path, lines)
    assert all(row["cost"] is row["profit"] is row["margin"] is None for row in rows)
    assert any(row["revenue"] for row in rows)
    shown = plan_of(sqlite_url, tmp_path, lines).report
    assert shown and shown.missing == ("cost", "profit", "margin") and "counts once" in shown.notes[1]
    filtered = plan_of(sqlite_url, tmp_path, "metrics: [cost]\nfilter: {recipients: [Beta Bank]}").report
    assert filtered and filtered.missing == ("cost",)
    over_leads = plan_of(sqlite_url, tmp_path, f"over: leads\n{lines}").report
    assert over_leads and over_leads.missing == ()


def test_a_report_says_by_which_time_it_goes(sqlite_url: str, tmp_path: Path) -> None:
    for lines, basis in (
        ("", "event"),
        ("time_basis: submission", "submission"),
        ("over: leads", "submission"),
    ):
        plan = plan_of(sqlite_url, tmp_path, f"metrics: [leads]\n{lines}")
        assert plan.report and plan.report.notes[0].startswith(f"by {basis} time")
        assert plan.output and plan.output.part_name == f"report_by_{basis}_part_{{part}}.parquet"


def test_an_amount_that_is_none_is_an_error_and_not_a_zero(tmp_path: Path) -> None:
    sqlite_url = fill(tmp_path)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "UPDATE events SET sale_price = 'cheap' WHERE event_id = (SELECT min(event_id) FROM events WHERE sale_price > '')"
        )
        connection.execute(
            "UPDATE events SET sale_price = '1.005' WHERE event_id = (SELECT max(event_id) FROM events WHERE sale_price > '')"
        )
    with pytest.raises(
        DataError,
        match="row [0-9a-f]{24} among them: 2 rows hold an amount that is no number of two places",
    ):
        report(sqlite_url, tmp_path, "metrics: [revenue]", WHOLE)


@pytest.mark.parametrize("over", ["leads", "events"])
@pytest.mark.parametrize(
    ("field", "parts", "value"),
    [
        ("email", ["domain", "host", "tld"], "jane@example.com / 512-555-0142 Jane Roe"),
        ("email", ["domain"], "ann@one.test, jane.roe@two.test"),
        ("phone_1", ["area", "exchange"], "512-555-0142 or 512-555-0143"),
        ("postal_code", ["zip", "fsa"], "76701 Jane Roe"),
    ],
)
def test_a_value_that_has_not_the_form_of_its_type_makes_no_group(
    over: str, field: str, parts: list[str], value: str, tmp_path: Path
) -> None:
    sqlite_url = fill(tmp_path)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute(f"UPDATE leads SET {field} = ?", [value])
        connection.execute(f"UPDATE events SET lead = json_set(lead, '$.{field}', ?)", [value])
    groups = ", ".join(f"{field}.{part}" for part in parts)
    (row,) = report(sqlite_url, tmp_path, f"over: {over}\nmetrics: [leads]\ngroup_by: [{groups}]")
    assert row.pop("leads") > 0 and set(row.values()) == {None}


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "ndjson", "parquet", "xlsx"])
def test_every_format_holds_a_report_and_the_same_bytes_twice(
    form: str, sqlite_url: str, tmp_path: Path
) -> None:
    lines = f"format: {form}\nmetrics: [leads, revenue, p95_ms]\nevery: day\ngroup_by: [source.name]\ntotals: true"
    (first, parts), (_, again) = (run(sqlite_url, plan_of(sqlite_url, tmp_path, lines)) for _ in range(2))
    assert parts == again and first.rows == 31 * 8 + 1


def test_xlsx_read_by_pandas_holds_the_numbers_of_the_store(
    sqlite_url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    lines = "format: {xlsx: {header: labels}}\nmetrics: [leads, revenue, acceptance_rate]\ngroup_by: [source.name]"
    _, parts = run(sqlite_url, plan_of(sqlite_url, tmp_path, lines))
    frame = pd.read_excel(io.BytesIO(parts["report_by_event_part_1.xlsx"]), engine="openpyxl")
    assert list(frame.columns) == ["Source", "Leads", "Revenue", "Acceptance rate"]
    for _, row in frame.iterrows():
        rows = of_january(events)[of_january(events).source_name == row["Source"]]
        assert row["Leads"] == rows.lead_id.nunique()
        for label, name in (("Revenue", "revenue"), ("Acceptance rate", "acceptance_rate")):
            assert Decimal(str(row[label])).quantize(Decimal("0.01")) == oracle.metric(rows, name, True)
