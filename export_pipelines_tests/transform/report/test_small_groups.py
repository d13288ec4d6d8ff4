"""Groups of fewer leads than a role may be told of: none can be read, nor worked out of a total."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from export_pipelines.access import Grant, Rights
from export_pipelines.definition import load_definition
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines_tests.transform.report.store import (
    CATALOG,
    JANUARY,
    MANY_LEADS,
    fill,
    plan_of,
    report,
    run,
)

LEAST = 5
STATES = "metrics: [leads]\nover: leads\ngroup_by: [state]\n"


@pytest.fixture(scope="module")
def many_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fill(tmp_path_factory.mktemp("reports"), MANY_LEADS)


def small_plan(url: str, folder: Path, yaml: str, least: int = LEAST) -> Plan:
    plan_of(url, folder, yaml)  # writes the file
    definition = load_definition(folder / "a_report.yaml", CATALOG)
    asked = PlanRequest(definition, JANUARY, CATALOG, url.partition(":")[0])
    return compile_plan(replace(asked, rights=Rights(Grant(("o",), ("r",), min_group=least))))


def report_rows(url: str, folder: Path, yaml: str, least: int = LEAST) -> list[dict[str, Any]]:
    _, parts = run(url, small_plan(url, folder, yaml, least))
    ((_, data),) = parts.items()
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


@pytest.mark.parametrize("least", [2, 5, 9, 12, 14, 16, 1000])
def test_what_is_left_out_is_more_than_one_group_and_no_small_one(
    many_url: str, tmp_path: Path, least: int
) -> None:
    everything = {row["state"]: row["leads"] for row in report(many_url, tmp_path, STATES)}
    shown = {row["state"]: row["leads"] for row in report_rows(many_url, tmp_path, STATES, least)}
    hidden = {state: leads for state, leads in everything.items() if state not in shown}
    assert all(everything[state] == leads >= least for state, leads in shown.items())
    assert not hidden or not shown or (len(hidden) > 1 and sum(hidden.values()) >= least)
    small = {state for state, leads in everything.items() if leads < least}
    assert small <= hidden.keys()


def test_a_total_gives_no_small_group_away(many_url: str, tmp_path: Path) -> None:
    everything = Counter({row["state"]: row["leads"] for row in report(many_url, tmp_path, STATES)})
    least = sorted(everything.values())[0] + 1  # the smallest alone is too small, unless there are equal ones
    rows = report_rows(many_url, tmp_path, STATES + "totals: true\n", least)
    (total,) = (row["leads"] for row in rows if row["is_total"])
    hidden_leads = total - sum(row["leads"] for row in rows if not row["is_total"])
    assert total == everything.total() and hidden_leads >= least
    assert hidden_leads not in everything.values() or list(everything.values()).count(hidden_leads) == 0


def test_a_small_total_is_left_out(many_url: str, tmp_path: Path) -> None:
    assert report_rows(many_url, tmp_path, "metrics: [leads]\nover: leads\n", 100_000) == []


def test_a_small_bucket_of_a_series_is_empty_and_no_zero(many_url: str, tmp_path: Path) -> None:
    yaml = "metrics: [leads]\nover: leads\nevery: day\n"
    everything = [row["leads"] for row in report(many_url, tmp_path, yaml)]
    least = sorted(everything)[len(everything) // 2]
    shown = [row["leads"] for row in report_rows(many_url, tmp_path, yaml, least)]
    assert len(shown) == len(everything) == 31
    assert None in shown and all(
        leads is None or (leads == before and (leads == 0 or leads >= least))
        for leads, before in zip(shown, everything, strict=True)
    )


def test_events_of_few_leads_are_a_small_group(many_url: str, tmp_path: Path) -> None:
    yaml = "metrics: [source_submitted]\ngroup_by: [state, flow]\npivot: flow\ntotals: true\n"
    rows = report_rows(many_url, tmp_path, yaml, 8)
    everything = report(many_url, tmp_path, yaml)
    by_state = {(row["state"], row["is_total"]): row for row in everything}
    for row in rows:
        before = by_state[row["state"], row["is_total"]]
        cells = [name for name in row if name.endswith("_source_submitted")]
        assert all(row[name] in (None, before[name]) for name in cells)
    for name in (name for name in everything[0] if name.endswith("_source_submitted")):
        hidden = [row[name] for row in everything if not row["is_total"] and row[name] and row[name] < 8]
        if hidden and rows and name in rows[0]:
            left = [row[name] for row in rows if not row["is_total"] and row[name]]
            (total,) = (row[name] for row in rows if row["is_total"])
            assert total is None or total == sum(left) or total - sum(left) >= 8
