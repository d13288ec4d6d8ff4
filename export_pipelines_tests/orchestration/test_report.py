"""A report is an asset like any other: the same ops, metadata, preview, schema and manifest."""

import sqlite3
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.sample import generate_leads
from export_pipelines_tests.orchestration.project import (
    Project,
    checks,
    failure,
    make_project,
    materializations,
)
from export_pipelines_tests.orchestration.test_run import OPS, rows_of_the_store, steps

REPORT = """\
description: Revenue of each source
type: report
format: csv
metrics: [leads, revenue, cost]
group_by: [source.name]
every: day
totals: true
partition: monthly
start: 2024-01-01
deliver:
  - folder: {path: "reports/{{date}}"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    generate_leads(f"sqlite:///{tmp_path / 'leads.db'}", 120, 7, date(2024, 1, 1), 31, events=True)
    project = make_project(tmp_path, tmp_path / "leads.db")
    project.write("revenue", REPORT)
    return project


def test_a_report_is_the_asset_report_and_its_name(project: Project) -> None:
    keys = {key.path[-1]: key for key in project.definitions().resolve_asset_graph().get_all_asset_keys()}
    assert keys["revenue"] == dg.AssetKey(["report", "revenue"])


def test_a_report_goes_through_the_same_ops_and_becomes_an_artifact(project: Project) -> None:
    result = project.run("revenue", "2024-01-01")
    assert result.success and steps(result) == OPS
    metadata = materializations(result)["2024-01-01"]
    rows = rows_of_the_store(project, metadata["artifact"])
    assert metadata["rows"] == len(rows) and rows[-1]["is_total"] == "true"
    assert metadata["preview"].startswith("| day | source\\_name | is\\_total | leads |")
    assert [column.name for column in metadata["dagster/column_schema"].columns][:3] == [
        "day",
        "source_name",
        "is_total",
    ]
    manifest = project.store.manifest(metadata["artifact"])
    assert manifest.type == "report" and manifest.notes[0].startswith("by event time")
    assert manifest.parts[0].name == "report_by_event_part_1.csv"
    assert all(check.passed for check in checks(result).values())


def test_a_pivot_tells_the_columns_that_there_are(project: Project) -> None:
    project.write("turned", REPORT.replace("totals: true", "pivot: source.name").replace("csv", "xlsx"))
    metadata = materializations(project.run("turned", "2024-01-01"))["2024-01-01"]
    names = [column.name for column in metadata["dagster/column_schema"].columns]
    assert names[0] == "day" and "Call center_revenue" in names
    assert names == [column.name for column in project.store.manifest(metadata["artifact"]).columns]


def test_a_report_without_its_table_fails_before_anything_is_written(
    project: Project, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "leads.db") as connection:
        connection.execute("DROP TABLE events")
    result = project.run("revenue", "2024-01-01")
    assert not result.success
    assert "no such table: events" in failure(result)["mask_pii"]
    assert project.store.manifests() == []
