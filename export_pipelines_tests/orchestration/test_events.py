"""Events as assets, and leads named at launch: in the Launchpad's configuration, and by the terminal's `launch`."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.errors import DefinitionError, RequestError
from export_pipelines.orchestration import launch
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.plan.window import window_between
from export_pipelines.sample import generate_leads
from export_pipelines_tests.orchestration.project import NOW, Project, failure, make_project

DISPUTE = """\
type: event
format: json
fields: all
filter: {lead_ids: at launch}
sort: [lead_id]
deliver:
  - folder: {path: disputes, overwrite: version}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    generate_leads(f"sqlite:///{tmp_path / 'leads.db'}", 60, 7, date(2024, 1, 1), 31, events=True)
    project = make_project(tmp_path, tmp_path / "leads.db")
    project.write("dispute", DISPUTE)
    return project


def two_leads(project: Project) -> list[str]:
    """Two leads, the later one first."""
    path = project.settings.source_url.get_secret_value().removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        ids = [id for (id,) in connection.execute("SELECT lead_id FROM leads ORDER BY lead_id")]
    return [ids[40], ids[3]]


def events_of(project: Project, artifact: str) -> list[dict[str, object]]:
    with project.store.open(artifact, "events_part_1.json") as file:
        objects: list[dict[str, object]] = json.load(file)
        return objects


def launchpad(project: Project, **config: object) -> dg.ExecuteInProcessResult:
    """What the Launchpad of the job does with the configuration that a person wrote there."""
    run_config = {**QUIET, "ops": {"event__dispute": {"config": config}}}
    job = project.definitions().resolve_job_def("dispute")
    return job.execute_in_process(raise_on_error=False, run_config=run_config)


def test_the_leads_of_a_dispute_are_named_in_the_launchpad(project: Project) -> None:
    ids = two_leads(project)
    result = launchpad(project, filter={"lead_ids": ids})
    assert result.success
    (written,) = result.output_for_node("event__dispute.write")
    rows = events_of(project, written["artifact"])
    keys = [(row["lead_id"], row["occurred_at"]) for row in rows]
    assert {id for id, _ in keys} == set(ids) and keys == sorted(keys) and len(rows) >= 4
    assert all(row["lead"]["lead_id"] == row["lead_id"] for row in rows)  # type: ignore[index]


def test_without_leads_the_launchpad_refuses_and_says_what_is_missing(project: Project) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match="'filter': {'lead_ids': \\[\\]}"):
        launchpad(project)
    with pytest.raises(dg.DagsterInvalidConfigError, match='"lead_ids" at path'):
        launchpad(project, filter={})


def test_without_leads_the_terminal_refuses_and_says_how_to_name_them(
    project: Project, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(RequestError, match="told its leads when it is launched"):
        launch(project.opened(), "dispute", instance=instance)
    assert instance.get_runs_count() == 0


def test_leads_that_are_not_in_the_store_fail_the_run_and_are_named(project: Project) -> None:
    here, gone = two_leads(project), ["0" * 24, "f" * 24]
    result = launchpad(project, filter={"lead_ids": [*here, *gone]})
    text = failure(result)["mask_pii"]
    assert f"2 of the 4 leads in filter.lead_ids are not in events: {gone[0]}, {gone[1]}" in text
    assert "missing_ids: allow" in text and not list(Path(project.settings.store_url).rglob("manifest.json"))
    assert launchpad(project, filter={"lead_ids": [*here, *gone], "missing_ids": "allow"}).success


def test_a_lead_id_that_is_none_is_refused(project: Project) -> None:
    result = launchpad(project, filter={"lead_ids": ["5FD2"]})
    text = str(failure(result))
    assert "set at launch: filter.lead_ids.0: a lead id is 24 lower-case hex digits" in text


def test_the_manifest_of_two_launches_tells_them_apart(project: Project) -> None:
    first, second = ([id] for id in two_leads(project))
    artifacts = [
        launchpad(project, filter={"lead_ids": ids}).output_for_node("event__dispute.write")[0]["artifact"]
        for ids in (first, second)
    ]
    assert len({project.store.manifest(artifact).fingerprint for artifact in artifacts}) == 2


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_terminal_launches_it_with_what_it_is_given(
    project: Project, instance: dg.DagsterInstance, by_hand: bool
) -> None:
    ids = two_leads(project)
    window = window_between("2024-01-01", "2024-02-01") if by_hand else None
    done = launch(
        project.opened(lambda: NOW),
        "dispute",
        window=window,
        overrides={"filter": {"lead_ids": ids}},
        instance=instance,
    )
    (manifest,) = done.manifests
    assert {row["lead_id"] for row in events_of(project, manifest.artifact)} == set(ids)


def test_a_wrong_filter_is_known_before_there_is_a_run(
    project: Project, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(DefinitionError):
        launch(
            project.opened(lambda: datetime(2024, 2, 20, tzinfo=UTC)),
            "dispute",
            overrides={"filter": {"lead_ids": "all"}},
            instance=instance,
        )
    assert instance.get_runs_count() == 0
