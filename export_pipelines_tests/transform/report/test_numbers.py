"""Every metric and every dimension equals what pandas makes of the store's own tables."""

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from export_pipelines.catalog import Component
from export_pipelines.catalog.dimensions import SHORT, Dimension, dimensions_of
from export_pipelines.catalog.metrics import METRICS, OVER_EVENTS, Metric, metrics_over
from export_pipelines_tests.transform.report import oracle
from export_pipelines_tests.transform.report.store import CATALOG, report

DIMENSIONS = {name: dimensions_of(CATALOG.dataset(name)) for name in ("reports", "leads")}
SOME = ("leads", "source_submitted", "revenue", "error_rate", "duplicates")
Key = tuple[Any, ...]


def first_of_each(items: Iterable[tuple[str, Hashable]]) -> list[str]:
    """The first name of each shape."""
    names: dict[Hashable, str] = {}
    for name, shape in items:
        names.setdefault(shape, name)
    return sorted(names.values())


def shape_of(metric: Metric) -> Hashable:
    """What the query makes of a metric, whatever it counts."""
    hows = [OVER_EVENTS[measure].how for measure in metric.measures]
    return metric.unit, len(metric.minus), len(metric.per), metric.percentile is None, tuple(hows)


ONE_OF_EACH_SHAPE = first_of_each((name, shape_of(metric)) for name, metric in METRICS.items())


def source_of(dimension: Dimension) -> Hashable:
    """Where the database finds a dimension, and what it is."""
    field = dimension.of.field if isinstance(dimension.of, Component) else dimension.of
    if field is None:
        return dimension.id
    part = dimension.of.name if isinstance(dimension.of, Component) else None
    elsewhere = "." in field.column, field.path is not None
    return dimension.kind, field.type, part, elsewhere, field.id in ("event_type", "outcome")


def one_of_each_source(dataset: str) -> list[str]:
    """One dimension of each source, and every bucket and shorter word."""
    dimensions = DIMENSIONS[dataset]
    return sorted(
        {*first_of_each((id, source_of(dimension)) for id, dimension in dimensions.items()), *SHORT}
        & set(dimensions)
    )


JANUARY: dict[tuple[int, str], tuple[pd.DataFrame, pd.DataFrame]] = {}


def of_january(rows: pd.DataFrame, time: str = "occurred_at") -> pd.DataFrame:
    """The same frame for the same rows."""
    if (id(rows), time) not in JANUARY:
        JANUARY[id(rows), time] = rows, rows[(rows[time] >= "2024-01-01") & (rows[time] < "2024-02-01")]
    return JANUARY[id(rows), time][1]


def exported(rows: list[dict[str, Any]], keys: list[str], metrics: tuple[str, ...]) -> dict[Key, Key]:
    headers = [key.replace(".", "_") for key in keys]
    groups = {
        tuple(row[header] for header in headers): tuple(row[metric] for metric in metrics) for row in rows
    }
    assert len(groups) == len(rows)
    return groups


KNOWN: dict[tuple[Any, ...], tuple[pd.DataFrame, dict[Key, Key]]] = {}


def expected(
    rows: pd.DataFrame, keys: list[str], metrics: tuple[str, ...], time: str = "occurred_at"
) -> dict[Key, Key]:
    """The groups and their numbers; the same for every database, so worked out once."""
    asked = (id(rows), tuple(keys), metrics, time)
    if asked not in KNOWN:
        KNOWN[asked] = rows, _groups(rows, keys, metrics, time)
    return KNOWN[asked][1]


def _groups(rows: pd.DataFrame, keys: list[str], metrics: tuple[str, ...], time: str) -> dict[Key, Key]:
    values = [[plain(value) for value in oracle.dimension(rows, key, time)] for key in keys]
    groups: dict[Key, list[int]] = {}
    for place, key in enumerate(zip(*values, strict=True)):
        groups.setdefault(key, []).append(place)
    measured = oracle.measured(rows)
    return {key: numbers(measured.iloc[places], metrics) for key, places in groups.items()}


def numbers(rows: pd.DataFrame, metrics: tuple[str, ...]) -> Key:
    return tuple(oracle.metric(rows, name, METRICS[name].scale is not None) for name in metrics)


def plain(value: Any) -> Any:
    """A value of pandas as Python has it; null is None."""
    if value is None or value is pd.NaT or value != value:
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def like(key: Key, kinds: list[str | None]) -> Key:
    """Values as the report's columns hold them."""
    return tuple(
        value
        if value is None or kind is None
        else bool(value)
        if kind == "boolean"
        else Decimal(str(value)).quantize(Decimal("0.01"))
        for value, kind in zip(key, kinds, strict=True)
    )


def kind_of(dataset: str, id: str) -> str | None:
    dimension = DIMENSIONS[dataset][id]
    return str(dimension.kind) if str(dimension.kind) in ("boolean", "decimal") else None


def test_every_metric_over_events_is_that_of_pandas(url: str, events: pd.DataFrame, tmp_path: Path) -> None:
    metrics = tuple(METRICS)
    rows = report(url, tmp_path, f"metrics: [{', '.join(metrics)}]\ngroup_by: [source.name, week]")
    assert exported(rows, ["source.name", "week"], metrics) == expected(
        of_january(events), ["source.name", "week"], metrics
    )


def test_every_metric_over_all_events_is_that_of_pandas(
    url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    metrics = tuple(METRICS)
    (row,) = report(url, tmp_path, f"metrics: [{', '.join(metrics)}]")
    assert row == dict(zip(metrics, numbers(of_january(events), metrics), strict=True))
    assert [metric for metric in metrics if row[metric] in (None, 0)] == [], (
        "the store must hold something to count"
    )


@pytest.mark.parametrize("name", ONE_OF_EACH_SHAPE)
def test_a_metric_alone_over_events_is_that_of_pandas(
    name: str, sqlite_url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    """Alone on one database: what each makes of a metric is asked of them all together."""
    (row,) = report(sqlite_url, tmp_path, f"metrics: [{name}]")
    assert (row[name],) == numbers(of_january(events), (name,))


def test_every_metric_over_leads_is_that_of_pandas(url: str, leads: pd.DataFrame, tmp_path: Path) -> None:
    metrics = tuple(metrics_over("leads"))
    rows = report(url, tmp_path, f"over: leads\nmetrics: [{', '.join(metrics)}]\ngroup_by: [recipient.name]")
    keys = ["recipient.name"]
    assert exported(rows, keys, metrics) == expected(of_january(leads), keys, metrics)


@pytest.mark.parametrize("id", one_of_each_source("reports"))
def test_a_dimension_of_events_makes_the_groups_of_pandas(
    id: str, url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    rows = report(url, tmp_path, f"metrics: [{', '.join(SOME)}]\ngroup_by: [{id}]")
    assert_groups("reports", id, rows, of_january(events))


@pytest.mark.parametrize(
    "id", [*sorted({*one_of_each_source("leads")} - {*DIMENSIONS["reports"]}), "day", "state"]
)
def test_a_dimension_of_leads_makes_the_groups_of_pandas(
    id: str, url: str, leads: pd.DataFrame, tmp_path: Path
) -> None:
    rows = report(url, tmp_path, f"over: leads\nmetrics: [{', '.join(SOME)}]\ngroup_by: [{id}]")
    assert_groups("leads", id, rows, of_january(leads))


def assert_groups(dataset: str, id: str, rows: list[dict[str, Any]], stored: pd.DataFrame) -> None:
    whole, kinds = SHORT.get(id, id), [kind_of(dataset, id)]
    wanted = expected(stored, [whole], SOME)
    assert exported(rows, [whole], SOME) == {like(key, kinds): values for key, values in wanted.items()}


def test_a_report_by_submission_counts_events_with_their_lead(
    url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    metrics = ("events", "return_received_success", "net_revenue")
    rows = report(url, tmp_path, f"time_basis: submission\nmetrics: [{', '.join(metrics)}]\ngroup_by: [day]")
    wanted = expected(of_january(events, "submitted_at"), ["day"], metrics, "submitted_at")
    assert exported(rows, ["day"], metrics) == wanted
    by_event = report(url, tmp_path, f"metrics: [{', '.join(metrics)}]\ngroup_by: [day]")
    assert rows != by_event


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        ("filter: {where: {state: [TX, CA]}}", lambda rows: rows[rows.state.isin(["TX", "CA"])]),
        ("filter: {sources: [call center]}", lambda rows: rows[rows.source_name == "Call center"]),
        ("filter: {rules: [{lhv: wait_ms, op: is greater than, rhv: 3000}]}", lambda rows: rows[rows.wait_ms.map(lambda ms: (ms or 0) > 3000)]),
        ("filter: {events: [recipient.*, 'step.skipp?d']}", lambda rows: rows[rows.event_type.str.match(r"recipient\..*|step\.skipped$")]),
        ("filter: {dates: [2024-01-15]}", lambda rows: rows[rows.occurred_at.str.startswith("2024-01-15")]),
    ],
)  # fmt: skip
def test_a_filter_chooses_what_is_counted(
    lines: str, chosen: Any, url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    metrics = ("events", "leads", "revenue", "p95_total_ms")
    (row,) = report(url, tmp_path, f"metrics: [{', '.join(metrics)}]\n{lines}")
    assert tuple(row.values()) == numbers(chosen(of_january(events)), metrics)
    assert row["events"]


def test_a_filter_on_a_part_of_a_value_chooses_what_is_counted(
    url: str, events: pd.DataFrame, tmp_path: Path
) -> None:
    lines = "filter: {rules: [{lhv: email.domain, op: is equal to, rhv: gmail.com}]}"
    of_gmail = events.email.map(lambda text: oracle.domain(text or "") == "gmail.com")
    (row,) = report(url, tmp_path, f"metrics: [events, leads]\n{lines}")
    assert tuple(row.values()) == numbers(of_january(events[of_gmail]), ("events", "leads"))


def test_an_hour_is_a_time_in_utc(url: str, tmp_path: Path) -> None:
    rows = report(url, tmp_path, "metrics: [events]\ngroup_by: [hour]")
    assert all(isinstance(row["hour"], datetime) and row["hour"].utcoffset() == timedelta(0) for row in rows)
