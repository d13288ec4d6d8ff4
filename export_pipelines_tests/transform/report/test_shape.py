"""Totals, limits and formats of a report, and what it says of its metrics."""

import io
import sqlite3
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from export_pipelines.catalog.metrics import METRICS
from export_pipelines.errors import DataError, LimitReached
from export_pipelines.plan.window import WHOLE
from export_pipelines_tests.transform.report import oracle
from export_pipelines_tests.transform.report.store import fill, plan_of, report, run
from export_pipelines_tests.transform.report.test_numbers import of_january


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
