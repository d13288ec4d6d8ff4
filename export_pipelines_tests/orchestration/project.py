"""A small project for tests: a month of sample leads in SQLite, a folder of exports, settings over both."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.load_target import PythonFileTarget
from pydantic import SecretStr

from export_pipelines.artifacts import Store, open_store
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.orchestration.run_tags import RANGE_END, RANGE_START
from export_pipelines.project import Project as Opened
from export_pipelines.sample import generate_leads
from export_pipelines.settings import Settings
from export_pipelines_tests.conftest import REPOSITORY

START, DAYS, LEADS = date(2024, 1, 1), 31, 310
NOW = datetime(2024, 2, 20, 8, 30, tzinfo=UTC)
TARGET = PythonFileTarget(  # the code that a daemon loads
    python_file=str(REPOSITORY / "export_pipelines" / "definitions.py"),
    attribute=None,
    working_directory=str(REPOSITORY),
    location_name="exports",
)
DAILY = """\
description: Leads of a day
owner: operations
type: lead
format: csv
fields: [lead_id, submitted_at, email, outcome, price]
partition: daily
schedule: daily at 02:00
start: 2024-01-01
deliver:
  - folder: {path: "backup/{{date}}"}
"""
MONTHLY = "type: lead\nformat: ndjson\ncompression: gzip\nfields: [lead_id, price]\nschedule: monthly on 2 at 06:00\n"
WEEKLY = (
    "type: lead\nformat: csv\nfields: [lead_id]\nschedule: weekly on monday at 02:00\nstart: 2024-01-01\n"
)
WHOLE = "type: lead\nformat: csv\nfields: [lead_id, email]\nschedule: 30 4 * * *\npartition: null\n"
BROKEN = "type: lead\nformat: csv\nfields: [lead_id, emial]\n"


def now() -> datetime:
    return NOW


@dataclass(frozen=True)
class Project:
    settings: Settings

    def write(self, name: str, text: str) -> Path:
        path = self.settings.definitions / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def in_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The settings as variables, for what reads them anew."""
        for name in ("home", "store_url", "definitions"):
            monkeypatch.setenv(f"EXPORT_PIPELINES_{name.upper()}", str(getattr(self.settings, name)))
        monkeypatch.setenv("EXPORT_PIPELINES_SOURCE_URL", self.settings.source_url.get_secret_value())

    @property
    def store(self) -> Store:
        return open_store(self.settings.store_url)

    def with_source(self, url: str) -> "Project":
        return Project(self.settings.model_copy(update={"source_url": SecretStr(url)}))

    def opened(self, now: Callable[[], datetime] = lambda: NOW) -> Opened:
        opened = Opened(self.settings.root, os.environ, now)
        opened.settings = self.settings
        return opened

    def definitions(self, opened: Opened | None = None) -> dg.Definitions:
        return definitions_of(CodeLocation(opened or self.opened()), quiet=True)

    def run(
        self, export: str, first: str | None = None, last: str | None = None, **options: Any
    ) -> dg.ExecuteInProcessResult:
        """The export's job for a partition, or for the range from `first` to `last`."""
        opened = options.pop("opened", None)
        if last:
            options["tags"] = {RANGE_START: str(first), RANGE_END: last}
        elif first:
            options["partition_key"] = first
        job = self.definitions(opened).resolve_job_def(export)
        return job.execute_in_process(raise_on_error=False, run_config=QUIET, **options)


def make_project(folder: Path, source: Path) -> Project:
    """`source` is a lead store of `fill_source`."""
    exports = folder / "exports"
    exports.mkdir()
    settings = Settings(
        root=folder,
        alerts=folder / "alerts.yaml",
        allowed=folder / "allowed.yaml",
        access=folder / "access.yaml",
        ledger_url=SecretStr(f"sqlite:///{folder / 'home' / 'ledger.db'}"),
        home=folder / "home",
        source_url=SecretStr(f"sqlite:///{source}"),
        store_url=str(folder / "home" / "artifacts"),
        definitions=exports,
    )
    project = Project(settings)
    project.write("daily", DAILY)
    return project


def fill_source(path: Path) -> Path:
    generate_leads(f"sqlite:///{path}", LEADS, 7, START, DAYS)
    return path


def materializations(result: dg.ExecuteInProcessResult) -> dict[str | None, dict[str, Any]]:
    """Plain metadata of each materialization by its partition."""
    events = [event for event in result.all_events if event.is_step_materialization]
    return {
        event.partition: {key: value.value for key, value in event.materialization.metadata.items()}
        for event in events
    }


def checks(
    result: dg.ExecuteInProcessResult, partition: str | None = None
) -> dict[str, dg.AssetCheckEvaluation]:
    """The evaluations by their check, of one partition where the run had several."""
    evaluations = result.get_asset_check_evaluations()
    return {
        evaluation.check_name: evaluation
        for evaluation in evaluations
        if partition is None or evaluation.partition in (None, partition)
    }


def failure(result: dg.ExecuteInProcessResult | dg.JobExecutionResult) -> dict[str, str]:
    """The text of each failed step by its name."""
    failed: Sequence[dg.DagsterEvent] = [event for event in result.all_events if event.is_step_failure]
    return {
        str(event.step_key).rpartition(".")[2]: str(event.step_failure_data.user_failure_data.description)
        for event in failed
        if event.step_failure_data.user_failure_data
    }
