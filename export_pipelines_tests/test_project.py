"""A notebook's door: the project as Python sees it, and the notebook of the documents, run cell by cell."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import polars as pl
import pytest

import export_pipelines
from export_pipelines import Project, errors
from export_pipelines.sample.generate import generate_leads
from export_pipelines_tests.conftest import REPOSITORY

DAILY = """\
type: lead
format: csv
compression: gzip
fields: [lead_id, submitted_at, outcome, email, state, price]
privacy: {email: mask}
partition: daily
start: 2024-01-01
deliver:
  - folder: {path: "{{export}}/{{date}}"}
"""
NOW = datetime(2024, 2, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "daily_leads.yaml").write_text(DAILY)
    project = Project.open(tmp_path, {}, lambda: NOW)
    generate_leads(project.settings.source_url.get_secret_value(), 300, 3, date(2024, 1, 14), 3)
    return project


def test_a_preview_is_typed_masked_and_writes_nothing(project: Project) -> None:
    frame = project.preview("daily_leads", "2024-01-15", rows=7)
    assert len(frame) == 7
    assert str(frame.dtypes["submitted_at"]) == "timestamp[ms, tz=UTC][pyarrow]"
    assert all("***" in address for address in frame["email"].dropna())
    assert project.store.manifests() == []


def test_a_run_is_delivered_recorded_and_read_back(project: Project) -> None:
    outcome = project.run("daily_leads", "2024-01-15")
    assert outcome.ok and len(outcome.receipts) == 1
    assert [delivery.state for delivery in project.ledger.deliveries()] == ["delivered"]
    frame = project.read("daily_leads/2024-01-15")
    assert len(frame) == outcome.manifest.rows == 100
    assert frame.equals(project.read(outcome.manifest.artifact))
    assert project.to_arrow("daily_leads/2024-01-15").read_all().num_rows == 100


def test_what_failed_to_arrive_is_told_and_the_artifact_kept(project: Project) -> None:
    file = project.root / "exports" / "daily_leads.yaml"
    file.write_text(DAILY + '  - webhook: {url: "https://127.0.0.1:9/x"}\n')
    outcome = project.run("daily_leads", "2024-01-15")
    assert not outcome.ok and list(outcome.failures) == [2]
    assert isinstance(outcome.failures[2], errors.ExportError)
    assert len(project.read("daily_leads/2024-01-15")) == 100


def test_a_scan_takes_the_newest_of_each_partition_and_no_other_window(project: Project) -> None:
    for window in ("2024-01-15", "2024-01-14", "2024-01-15", "2024-01-14T10:00:00Z/2024-01-14T12:00:00Z"):
        project.run("daily_leads", window)
    frame = project.scan("daily_leads").collect()
    assert len(frame) == 200
    assert frame["submitted_at"].is_sorted()
    assert frame["lead_id"].n_unique() == 200


def test_an_export_is_found_by_the_name_that_it_had(project: Project) -> None:
    project.run("daily_leads", "2024-01-15")
    (project.root / "exports" / "daily_leads.yaml").rename(project.root / "exports" / "leads_of_a_day.yaml")
    file = project.root / "exports" / "leads_of_a_day.yaml"
    file.write_text(file.read_text() + "renamed_from: daily_leads\n")
    project.forget()
    assert project.definition("daily_leads").name == "leads_of_a_day"
    assert len(project.read("leads_of_a_day/2024-01-15")) == 100


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("daily_leads/2024-01-16", "there is no artifact of the window 2024-01-16"),
        ("daily_leads", "this names no window"),
        ("nothing/2024-01-16", "there is no artifact"),
    ],
)
def test_what_is_not_there_is_a_request_error(project: Project, name: str, expected: str) -> None:
    with pytest.raises(errors.RequestError, match=expected):
        project.read(name)


def test_a_window_that_is_not_over_is_refused(project: Project) -> None:
    with pytest.raises(errors.WindowError, match="not complete"):
        project.run("daily_leads", "2024-02-01")


def test_quiet_hours_hold_in_a_notebook_too(project: Project) -> None:
    file = project.root / "exports" / "daily_leads.yaml"
    file.write_text(DAILY + 'quiet_hours: "01:00-05:00"\n')
    with pytest.raises(errors.WindowError, match="quiet hours"):
        project.run("daily_leads", "2024-01-15")
    assert project.run("daily_leads", "2024-01-15", any_hour=True).ok


def test_the_door_names_what_it_opens() -> None:
    assert set(export_pipelines.__all__) >= {"Project", "Manifest", "Outcome", "Plan", "errors"}
    for name in export_pipelines.__all__:
        assert getattr(export_pipelines, name)
    with pytest.raises(AttributeError):
        _ = export_pipelines.nothing


@pytest.fixture
def without_a_screen() -> Iterator[None]:
    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    mpl.use(before)


def test_the_notebook_of_the_documents_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch, without_a_screen: None
) -> None:
    monkeypatch.chdir(project.root)
    for name in [variable for variable in os.environ if variable.startswith("EXPORT_PIPELINES_")]:
        monkeypatch.delenv(name)
    notebook = json.loads((REPOSITORY / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells for line in cell.splitlines() if line.strip()]
    assert len(lines) <= 12
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile(cell, "docs/notebook.ipynb", "exec"), names)
    assert isinstance(names["day"], pd.DataFrame) and len(names["day"]) == 100
    assert isinstance(names["days"], pl.DataFrame) and names["days"]["len"].to_list() == [100, 100]
