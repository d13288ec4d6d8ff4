import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from export_pipelines_tests.orchestration.project import (
    DAILY,
    DAYS,
    LEADS,
    Project,
    checks,
    failure,
    materializations,
)
from export_pipelines_tests.orchestration.test_failures import block

OPS = [
    "extract",
    "filter",
    "project_fields",
    "mask_pii",
    "serialize",
    "compress",
    "write",
    "folder_1",
    "record",
]


def steps(result: dg.ExecuteInProcessResult) -> list[str]:
    return [str(event.step_key).rpartition(".")[2] for event in result.all_events if event.is_step_success]


def rows_of_the_store(project: Project, artifact: str) -> list[dict[str, str]]:
    manifest, rows = project.store.manifest(artifact), list[dict[str, str]]()
    for part in manifest.parts:
        with project.store.open(artifact, part.name) as file:
            rows += csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
    return rows


def test_a_partition_goes_through_all_ops_in_order_and_becomes_an_artifact(project: Project) -> None:
    result = project.run("daily", "2024-01-15")
    assert result.success and steps(result) == OPS
    metadata = materializations(result)["2024-01-15"]
    rows = rows_of_the_store(project, metadata["artifact"])
    assert metadata["rows"] == len(rows) == LEADS // DAYS
    assert {row["submitted_at"][:10] for row in rows} == {"2024-01-15"}


def test_numbers_are_numbers_so_that_they_plot(project: Project) -> None:
    metadata = materializations(project.run("daily", "2024-01-15"))["2024-01-15"]
    manifest = project.store.manifest(metadata["artifact"])
    assert (
        metadata["rows"],
        metadata["bytes"],
        metadata["raw_bytes"],
        metadata["parts"],
        metadata["schema_version"],
    ) == (
        manifest.rows,
        manifest.bytes,
        manifest.raw_bytes,
        1,
        1,
    )
    assert metadata["dagster/row_count"] == metadata["dagster/partition_row_count"] == manifest.rows
    assert isinstance(metadata["seconds"], float) and isinstance(metadata["rows_per_second"], int)


def test_the_materialization_shows_columns_destinations_and_manifest(project: Project) -> None:
    metadata = materializations(project.run("daily", "2024-01-15"))["2024-01-15"]
    columns = {column.name: column.type for column in metadata["dagster/column_schema"].columns}
    assert list(columns) == ["lead_id", "submitted_at", "email", "outcome", "price"]
    assert columns["price"] == "decimal(2)" and columns["submitted_at"] == "timestamp"
    assert Path(metadata["manifest"]).is_file()
    assert metadata["dagster/uri"] == Path(metadata["manifest"]).as_uri()
    assert str(project.settings.home / "delivered" / "backup" / "2024-01-15") in metadata["destinations"]


def test_the_preview_has_five_rows_and_no_address_of_a_person(project: Project) -> None:
    metadata = materializations(project.run("daily", "2024-01-15"))["2024-01-15"]
    lines = metadata["preview"].splitlines()
    addresses = {row["email"] for row in rows_of_the_store(project, metadata["artifact"]) if row["email"]}
    assert len(lines) == 2 + 5 and "email" in lines[0]
    assert addresses and not any(address in metadata["preview"] for address in addresses)


def test_a_range_is_one_run_with_a_materialization_and_rows_of_its_own_for_each_day(project: Project) -> None:
    project.write("mondays", DAILY.replace("backup", "mondays") + "filter: {weekdays: [monday]}\n")
    result = project.run("mondays", "2024-01-01", "2024-01-30")
    metadata = materializations(result)
    assert result.success and len(metadata) == 30
    mondays = {"2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29"}
    assert {key for key, window in metadata.items() if window["rows"]} == mondays
    assert {window["artifact"].split("/")[1] for window in metadata.values()} == set(metadata)
    assert len(project.store.manifests("mondays")) == 30


def test_the_newest_window_of_a_run_tells_the_columns_of_all(project: Project) -> None:
    project.write("daily", DAILY)
    metadata = materializations(project.run("daily", "2024-01-01", "2024-01-03"))
    columns = {"dagster/column_schema", "dagster/column_lineage"}
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert list(metadata) == days  # Dagster shows the last that came
    assert [columns & set(metadata[day]) for day in days] == [set(), set(), columns]


def test_where_the_newest_window_failed_the_one_before_tells_the_columns(project: Project) -> None:
    project.write("daily", DAILY)
    block(project, "2024-01-03")
    metadata = materializations(project.run("daily", "2024-01-01", "2024-01-03"))
    assert ["dagster/column_schema" in metadata[day] for day in ("2024-01-01", "2024-01-02")] == [False, True]


def test_each_op_tells_what_it_added_to_the_plan(project: Project) -> None:
    result = project.run("daily", "2024-01-15")
    metadata = {
        str(event.step_key).rpartition(".")[2]: event.step_output_data.metadata
        for event in result.all_events
        if event.is_successful_output and event.step_output_data.metadata
    }
    assert metadata["extract"]["windows"].value == 1
    assert "FROM leads" in str(metadata["mask_pii"]["sql"].value)
    assert metadata["project_fields"]["columns"].value == 5
    assert metadata["serialize"]["format"].value == "csv" and metadata["compress"]["codec"].value == "none"
    assert "2024-01-15" in str(metadata["folder_1"]["receipts"].value)


def test_edges_carry_plans_of_a_few_kilobytes_and_no_lead(project: Project) -> None:
    result = project.run("daily", "2024-01-15")
    artifact = materializations(result)["2024-01-15"]["artifact"]
    leads = [row["lead_id"] for row in rows_of_the_store(project, artifact)]
    for name in ("extract", "filter", "project_fields", "mask_pii", "serialize", "compress"):
        text = str(result.output_for_node(f"lead__daily.{name}"))
        assert len(text) < 20_000 and not any(lead in text for lead in leads)


def test_an_export_without_destinations_is_written_and_recorded(project: Project) -> None:
    project.write("kept", "type: lead\nformat: csv\nfields: [lead_id]\npartition: daily\nstart: 2024-01-01\n")
    result = project.run("kept", "2024-01-02")
    assert result.success and steps(result) == [op for op in OPS if op != "folder_1"]
    assert materializations(result)["2024-01-02"]["destinations"] == "none but the artifact store"


def test_each_destination_is_an_op_of_its_own(project: Project) -> None:
    project.write("daily", DAILY + '  - folder: {path: "copy/{{date}}"}\n')
    result = project.run("daily", "2024-01-15")
    assert {"folder_1", "folder_2"} <= set(steps(result))
    for folder in ("backup", "copy"):
        files = (project.settings.home / "delivered" / folder / "2024-01-15").iterdir()
        assert "leads_part_1.csv" in {file.name for file in files}


def test_an_empty_day_is_not_delivered_where_the_export_says_so(project: Project) -> None:
    project.write("daily", DAILY + "skip_empty: true\nfilter: {sources: [nobody]}\n")
    result = project.run("daily", "2024-01-15")
    assert result.success and checks(result)["delivered"].passed
    assert not (project.settings.home / "delivered").exists()


def test_a_source_that_is_not_there_fails_before_anything_is_written(
    project: Project, tmp_path: Path
) -> None:
    result = project.with_source(f"sqlite:///{tmp_path / 'gone.db'}").run("daily", "2024-01-15")
    assert not result.success and list(failure(result)) == ["mask_pii"]
    assert "gone.db" in failure(result)["mask_pii"] and project.store.manifests() == []


def test_a_missing_key_fails_in_mask_pii_with_what_to_do(project: Project) -> None:
    project.write("daily", DAILY + "privacy: {email: hash}\n")
    result = project.run("daily", "2024-01-15")
    assert list(failure(result)) == ["mask_pii"]
    assert "EXPORT_PIPELINES_HASH_KEY" in failure(result)["mask_pii"]


def test_a_partition_that_is_not_complete_yet_fails_in_extract(project: Project) -> None:
    early = project.opened(now=lambda: datetime(2024, 1, 15, 23, tzinfo=UTC))
    result = project.run("daily", "2024-01-15", opened=early)
    assert list(failure(result)) == ["extract"] and "not complete" in failure(result)["extract"]
