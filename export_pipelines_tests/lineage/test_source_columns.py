"""Tables and columns that feed an export: each is one of the source, and none that is read for a column is missing."""

import sqlite3
from pathlib import Path

import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.catalog.metrics import METRICS
from export_pipelines.definition import load_definition
from export_pipelines.lineage.source_columns import Feed, columns_of, dataset_of, feeds_of, tables_of
from export_pipelines_tests.run.whole_run import sample_url

CATALOG = load_catalog(None)
HEAD = "format: csv\n"
TABLES = {
    "type: lead\nfields: [lead_id, price]\n": ("leads",),
    "type: lead\nfields: [lead_id, flow.name]\n": ("leads", "flows"),
    "type: lead\nfields: [lead_id]\nfilter: {flows: [Solar]}\n": ("leads", "flows"),
    "type: lead\nfields: [lead_id]\nfilter: {rules: [{lhv: source.name, op: is not blank}]}\n": (
        "leads", "sources",
    ),
    "type: event\nfields: [event_id, recipient.name]\n": ("events", "recipients"),
    "type: report\nmetrics: [cost]\ngroup_by: [source]\nover: leads\n": ("leads", "sources"),
}  # fmt: skip


@pytest.mark.parametrize(("yaml", "tables"), TABLES.items())
def test_an_export_depends_on_the_tables_of_its_columns_and_its_filter(
    tmp_path: Path, yaml: str, tables: tuple[str, ...]
) -> None:
    file = tmp_path / "daily.yaml"
    file.write_text(HEAD + yaml)
    assert tables_of(load_definition(file, CATALOG), CATALOG) == tables


def test_columns_are_those_that_the_catalog_stores_them_in() -> None:
    leads, events = CATALOG.dataset("leads"), CATALOG.dataset("events")
    assert feeds_of("email.domain", leads) == feeds_of("email", leads) == (Feed("leads", "email"),)
    assert feeds_of("flow.name", leads) == (Feed("flows", "name"),)
    assert feeds_of("custom.loan_amount", leads) == (Feed("leads", "custom"),)
    assert feeds_of("revenue", leads) == (Feed("leads", "price"),)
    assert {feed.table for feed in feeds_of("lead.email", events)} == {"events"}
    assert feeds_of("no_such_field", leads) == ()


def test_a_metric_is_fed_by_what_it_measures_and_by_what_chooses_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "daily.yaml"
    file.write_text(HEAD + "type: report\nmetrics: [margin]\ngroup_by: [state]\nevery: day\nover: leads\n")
    dataset = dataset_of(load_definition(file, CATALOG), CATALOG)
    margin = {Feed("leads", name) for name in ("price", "purchase_price", "outcome")}
    assert set(feeds_of("margin", dataset, "leads")) == margin
    assert set(feeds_of("TX/margin", dataset, "leads")) == margin  # of a pivot
    assert feeds_of("state", dataset, "leads") == (Feed("leads", "state"),)
    assert feeds_of("day", dataset, "leads") == (Feed("leads", "submitted_at"),)


def test_every_column_of_every_dataset_and_metric_is_a_column_of_the_source(tmp_path: Path) -> None:
    url = sample_url(tmp_path, 5, events=True)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        stored = {
            table: {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
            for table in ("leads", "events", "flows", "sources", "recipients")
        }
    feeds = {
        feed
        for dataset in CATALOG.datasets
        for id in dataset.by_id
        for feed in feeds_of(id, dataset)
    }  # fmt: skip
    reports = {"events": CATALOG.dataset("reports"), "leads": CATALOG.dataset("leads")}
    feeds |= {
        feed for over, dataset in reports.items() for id in METRICS for feed in feeds_of(id, dataset, over)
    }
    assert len(feeds) > 60
    assert [feed for feed in feeds if feed.column not in stored[feed.table]] == []
    assert set(columns_of(CATALOG, "flows")) <= stored["flows"]
