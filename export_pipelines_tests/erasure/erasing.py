"""Runs of a sealed project, their artifacts and their delivered copies."""

from pathlib import Path

from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.project import Project as Opened
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import NOW, Project

DAY, NEXT = "2024-01-15", "2024-01-16"


def opened(project: Project) -> Opened:
    return Opened.open(project.folder, project.environment, lambda: NOW)


def run(project: Project, export: str = "daily", day: str = DAY) -> str:
    """The artifact of a run, of which Dagster knows nothing."""
    return opened(project).run(export, day).manifest.artifact


def ledger_of(project: Project) -> Ledger:
    return open_ledger(f"sqlite:///{project.home / 'ledger.db'}")


def delivered(project: Project, day: str = DAY) -> Path:
    return project.home / "delivered" / "daily" / day


def leads_of(project: Project, day: str = DAY) -> list[str]:
    lines = (delivered(project, day) / "leads_part_1.csv").read_text().splitlines()
    return [line.partition(",")[0] for line in lines[1:]]


def listed(terminal: Terminal) -> set[str]:
    return {str(item["artifact"]) for item in data(terminal("artifacts", "--json"))}
