"""Values of a group as columns."""

from decimal import Decimal
from pathlib import Path

import pytest

from export_pipelines.errors import LimitReached
from export_pipelines.transform.report import pivot
from export_pipelines_tests.transform.report.store import plan_of, report, run


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
