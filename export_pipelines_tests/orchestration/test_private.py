"""What a filter compares with personal fields is written in the export's file, and in no record of Dagster's."""

import json
import os
import sqlite3
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.orchestration.build import build_definitions
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.project import Project as Opened
from export_pipelines.settings import project_root
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import DAILY, Project, failure

DAY = "2024-01-15"
STEPS = ("extract", "filter", "project_fields", "mask_pii", "serialize", "compress", "write")


@pytest.fixture
def people(source: Path) -> list[str]:
    """Addresses of leads of the day."""
    asked = "SELECT DISTINCT email FROM leads WHERE submitted_at LIKE ? AND email LIKE '%@%' ORDER BY email"
    with sqlite3.connect(source) as store:
        return [email for (email,) in store.execute(asked, [f"{DAY}%"])]


def asking(people: list[str], rows: int = 1000) -> str:
    """An export of these people, whose addresses it does not show."""
    export = DAILY.replace("submitted_at, email, outcome, ", "")
    return f"{export}filter: {{where: {{email: {json.dumps(people)}}}}}\nlimits: {{rows: {rows}}}\n"


def test_no_edge_carries_it_and_the_rows_are_found(project: Project, people: list[str]) -> None:
    project.write("asking", asking(people[:3]))
    result = project.run("asking", DAY)
    edges = json.dumps([result.output_for_node(f"lead__asking.{name}") for name in STEPS])
    assert result.success and "***" in edges
    assert not [email for email in people if email in edges]
    (manifest,) = project.store.manifests("asking")
    assert manifest.rows >= 3


def asking_job() -> dg.JobDefinition:
    return build_definitions(Opened.open(project_root(os.environ))).resolve_job_def("asking")


def job_of_the_new_file() -> dg.JobDefinition:
    """Dagster keeps in memory what a function once gave."""
    return asking_job()


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("", None),
        ("split: {rows: 1}\n", None),
        ("sort: [lead_id]\n", "the export's file has changed"),
    ],
)
def test_a_run_goes_on_from_write_unless_the_file_asks_for_something_else(
    line: str, refusal: str | None, project: Project, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.in_environment(monkeypatch)
    project.write("asking", asking(people[:2], rows=1))
    tags = {"dagster/partition": DAY}
    with stored_instance() as instance:
        with dg.execute_job(dg.reconstructable(asking_job), instance, run_config=QUIET, tags=tags) as failed:
            assert "the limit is 1" in failure(failed)["write"]
        project.write("asking", asking(people[2:4]) + line)
        again = dg.ReexecutionOptions.from_failure(failed.run_id, instance)
        job = dg.reconstructable(job_of_the_new_file)
        with dg.execute_job(job, instance, reexecution_options=again, tags=tags) as result:
            assert result.success is (refusal is None)
            assert refusal is None or refusal in failure(result)["write"]
