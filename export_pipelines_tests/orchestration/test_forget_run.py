"""What Dagster keeps of a run is gone after its erasure, in its database's files too; other runs stay as they were."""

from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.errors import RetryableError
from export_pipelines.orchestration import forget_run, launch, open_instance
from export_pipelines_tests.orchestration.project import Project

LAUNCHED = "type: lead\nformat: csv\nfields: [lead_id, email, price]\npartition: daily\nfilter: {lead_ids: at launch, missing_ids: allow}\nstart: 2024-01-01\n"
LEAD = "65a46c80000000000000c0de"


@pytest.fixture
def instance(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    for name in ("DAGSTER_HOME", "EXPORT_PIPELINES_DAGSTER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return open_instance(project.settings, project.settings.root)


def stands_in(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_nothing_of_the_run_is_left_in_dagsters_folder(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("chosen", LAUNCHED)
    opened, folder = project.opened(), project.settings.dagster_folder
    overrides = {"filter": {"lead_ids": [LEAD]}}
    with instance:
        outcome = launch(opened, "chosen", instance=instance, partition_key="2024-01-15", overrides=overrides)
        kept = launch(opened, "daily", instance=instance, partition_key="2024-01-15")
        again = launch(opened, "daily", instance=instance, partition_key="2024-01-15")
        assert outcome.ok and kept.ok and again.ok
        assert stands_in(folder, LEAD) and stands_in(folder, outcome.run_id)
        artifact = again.manifests[0].artifact
        assert stands_in(folder, artifact)
        forget_run(instance, outcome.run_id)
        forget_run(instance, again.run_id)
        assert stands_in(folder, LEAD) == []
        assert stands_in(folder, artifact) == []
        assert [run.run_id for run in instance.get_runs()] == [kept.run_id]
        (key,) = (
            instance.get_asset_keys(prefix=["lead"])
            if False
            else [key for key in instance.get_asset_keys() if key.path[-1] == "daily"]
        )
        event = instance.get_latest_materialization_event(key)
        assert event is not None and event.run_id == kept.run_id
        forget_run(instance, outcome.run_id)  # harmless when it was done


def test_a_run_that_is_not_over_is_left(project: Project, instance: dg.DagsterInstance) -> None:
    with instance:
        run = dg.DagsterRun(job_name="daily", status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
        with pytest.raises(RetryableError, match="is not over"):
            forget_run(instance, run.run_id)
        assert instance.get_run_by_id(run.run_id)
