"""A report is the same on every database, whether its groups are made there or afterwards, in memory."""

from pathlib import Path

import pytest

from export_pipelines.catalog import Component
from export_pipelines.catalog.dimensions import dimensions_of
from export_pipelines.catalog.metrics import METRICS, metrics_over
from export_pipelines_tests.reports.store import CATALOG, copy, plan_of, report

EVENT_METRICS, LEAD_METRICS = ", ".join(METRICS), ", ".join(metrics_over("leads"))
BY_PARTS = sorted(
    id for id, one in dimensions_of(CATALOG.dataset("reports")).items() if isinstance(one.of, Component)
)
PUSHED = [
    "group_by: [source.name, day]",
    "every: hour\nfill: false\ngroup_by: [weekday, outcome]",
    "every: week\ngroup_by: [source.name]\npivot: source.name\ntotals: true",
    "group_by: [state]\nfilter: {rules: [{lhv: email, op: is not blank}]}",
]
AFTERWARDS = [
    "group_by: [email.domain]",
    "group_by: [email.domain, phone_1.area, day]\ntotals: true",
    "every: month\ngroup_by: [email.tld]\npivot: email.tld\ntotals: true",
    "every: hour\nfill: false\ngroup_by: [weekday, phone_1.is_tollfree]",
    "filter: {rules: [{lhv: email, op: format is valid}]}",
    "group_by: [recipient.name, purchase_price]\nfilter: {rules: [{lhv: email.domain, op: is equal to, rhv: gmail.com}]}",
    "group_by: [source.name]\nfilter: {rules: [{op: or, rules: [{lhv: reason, op: matches pattern, rhv: '(?i)BUDGET'}, {lhv: wait_ms, op: is greater than, rhv: 3000}]}]}",
    "time_basis: submission\ngroup_by: [day, email.tld]",
]


@pytest.fixture(scope="module")
def copied(url: str, postgresql_url: str) -> str:
    """The reports' store in PostgreSQL."""
    copy(url, postgresql_url)
    return postgresql_url


@pytest.mark.parametrize("lines", [*PUSHED, *AFTERWARDS])
def test_every_metric_over_events_is_that_of_sqlite(
    lines: str, url: str, copied: str, tmp_path: Path
) -> None:
    yaml = f"metrics: [{EVENT_METRICS}]\n{lines}"
    rest = plan_of(tmp_path, yaml, dialect="postgresql").masking.query.rest  # type: ignore[union-attr]
    assert (rest is not None) == (lines in AFTERWARDS)
    assert report(copied, tmp_path, yaml) == report(url, tmp_path, yaml) != []


@pytest.mark.parametrize(
    "lines",
    [
        "group_by: [email.domain, product]\ntotals: true",
        "every: day\ngroup_by: [ip_address.version]\npivot: ip_address.version",
    ],
)
def test_every_metric_over_leads_is_that_of_sqlite(lines: str, url: str, copied: str, tmp_path: Path) -> None:
    yaml = f"over: leads\nmetrics: [{LEAD_METRICS}]\n{lines}"
    assert report(copied, tmp_path, yaml) == report(url, tmp_path, yaml) != []


@pytest.mark.parametrize("id", BY_PARTS)
def test_a_part_of_a_value_makes_the_groups_of_sqlite(id: str, url: str, copied: str, tmp_path: Path) -> None:
    yaml = f"metrics: [leads, revenue, p95_total_ms]\ngroup_by: [{id}]"
    assert report(copied, tmp_path, yaml) == report(url, tmp_path, yaml) != []
