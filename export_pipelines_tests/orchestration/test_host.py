"""Exports in somebody else's project: a folder with definitions, an executor, an `io_manager` and jobs of its own."""

import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_aws.s3 import S3Resource

from export_pipelines import Project
from export_pipelines.errors import RequestError
from export_pipelines.orchestration import build_defs
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failed_runs import failed_runs
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.orchestration.project import DAILY, NOW
from export_pipelines_tests.preloaded import Process

DAY, OTHER = "2024-01-15", "2024-01-16"
EXPORT = ["acme", "lead", "daily"]
PAGE = REPOSITORY / "docs" / "dagster.md"


@pytest.fixture
def folder(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The host's folder, its exports' settings in the environment."""
    host = tmp_path / "host"
    shutil.copytree(Path(__file__).parent / "host", host)
    (written,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    # the page's file stands in the project's folder, this one in a package within it
    (host / "host" / "documented.py").write_text(
        written.replace(").parent", ").parents[1]"), encoding="utf-8"
    )
    monkeypatch.setenv("EXPORT_PIPELINES_SOURCE_URL", f"sqlite:///{source}")
    monkeypatch.setenv("DAGSTER_HOME", str(host))
    monkeypatch.chdir(host)
    return host


@pytest.fixture
def defs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.Definitions]:
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module("host.definitions").defs
    for name in [module for module in sys.modules if module.split(".")[0] == "host"]:
        del sys.modules[name]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def materialize(
    defs: dg.Definitions, instance: dg.DagsterInstance, *assets: str | list[str], partition: str | None = None
) -> dg.ExecuteInProcessResult:
    """As "Materialize" in the UI does."""
    keys = [dg.AssetKey(asset) for asset in assets]
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        asset_selection=keys, partition_key=partition, instance=instance, raise_on_error=False
    )


def stored(name: str) -> object:
    return json.loads(Path(f"{name}.json").read_text())


def test_both_sides_run_and_the_frames_are_exact(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    assert materialize(defs, instance, "crm_sync").success
    ran = materialize(defs, instance, EXPORT, "revenue", "pandas_types", partition=DAY)
    assert ran.success  # the frame is there within the run that wrote it
    (event,) = instance.fetch_materializations(dg.AssetKey(EXPORT), limit=9).records
    assert event.asset_materialization and event.asset_materialization.metadata["rows"].value
    job = defs.resolve_job_def("acme_daily")
    assert job.execute_in_process(partition_key=OTHER, instance=instance).success
    assert materialize(defs, instance, "polars_types", partition=OTHER).success
    assert materialize(defs, instance, "sold", "first_ids", "rows").success

    project = Project.open()
    day, other = project.read(f"daily/{DAY}"), project.read(f"daily/{OTHER}")
    assert stored("revenue") == str(day["price"].sum()) and "." in str(stored("revenue"))
    assert stored("pandas_types") == {name: str(kind) for name, kind in day.dtypes.items()}
    assert stored("pandas_types") == {
        "lead_id": "large_string[pyarrow]",
        "submitted_at": "timestamp[ms, tz=UTC][pyarrow]",
        "email": "large_string[pyarrow]",
        "outcome": "large_string[pyarrow]",
        "price": "decimal128(38, 2)[pyarrow]",
    }
    sold = len(day["price"].dropna()) + len(other["price"].dropna())
    assert (stored("rows"), stored("sold")) == (len(day) + len(other), sold)
    assert stored("first_ids") == list(day.iloc[:3, 0])
    assert {record.asset_key.to_user_string() for record in _records(instance)} >= {
        "acme/lead/daily",
        "revenue",
    }


def test_what_cannot_be_read_is_named(defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
    missing = materialize(defs, instance, "revenue", partition=DAY)
    assert f"there is no artifact of the window {DAY}" in _texts(missing)
    assert materialize(defs, instance, EXPORT, partition=DAY).success
    wrong = materialize(defs, instance, "wrong", partition=DAY)
    assert "annotate the parameter with one of pandas.DataFrame" in _texts(wrong)
    ours = CodeLocation(Project.open(), "acme")  # whose people are not told what failed of the host's
    assert list(failed_runs(ours, instance, datetime.now(UTC))) == []


def test_the_export_comes_after_the_assets_it_is_told(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    assert graph.get(dg.AssetKey(EXPORT)).parent_keys == {
        dg.AssetKey("crm_sync"),
        dg.AssetKey(["acme", "source", "leads"]),
    }
    both = defs.resolve_implicit_global_asset_job_def()
    assert both.executor_def is dg.multiprocess_executor
    assert defs.resolve_job_def("acme_daily").executor_def is dg.in_process_executor


def test_every_name_begins_with_the_prefix_and_nothing_is_for_all(project_of_exports: Project) -> None:
    ours = build_defs(project_of_exports, prefix="acme")
    assert ours.executor is None and not ours.loggers
    names = [
        *(ours.resources or {}),
        *(job.name for job in ours.jobs or ()),
        *(schedule.name for schedule in ours.schedules or ()),
        *(sensor.name for sensor in ours.sensors or ()),
        *(asset_node.group_name for asset_node in ours.resolve_asset_graph().asset_nodes),
    ]
    repository = ours.get_repository_def()
    graphs = [node for job in repository.get_all_jobs() for node in job.all_node_defs]
    names += [graph.name for graph in graphs]
    pools = {pool for graph in graphs if isinstance(graph, dg.OpDefinition) for pool in graph.pools}
    assert pools == {"acme_source"}
    assert [name for name in names if not str(name).startswith("acme_")] == []
    assert {key.path[0] for key in ours.resolve_asset_graph().get_all_asset_keys()} == {"acme"}


def test_two_projects_stand_side_by_side(project_of_exports: Project) -> None:
    both = dg.Definitions.merge(
        build_defs(project_of_exports, prefix="acme"), build_defs(project_of_exports, prefix="other")
    )
    dg.Definitions.validate_loadable(both)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"prefix": "Acme-"}, "small letters"), ({"deps": {"dayly": ["crm_sync"]}}, "dayly")],
)
def test_a_wrong_prefix_or_export_is_refused(
    project_of_exports: Project, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(RequestError, match=text):
        build_defs(project_of_exports, **options)


def test_dg_lists_and_checks_the_definitions(folder: Path) -> None:
    assert "acme/lead/daily" in dg_says(folder, "list", "defs", "--json")
    dg_says(folder, "check", "defs")


def test_the_hosts_s3_reaches_store_and_destination(
    folder: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, bucket = own_bucket()
    for name in [variable for variable in os.environ if variable.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    monkeypatch.setenv("HOST_SECRET", SECRET)
    monkeypatch.setenv("EXPORT_PIPELINES_STORE_URL", f"s3://{bucket.name}/store")
    sends = f'  - s3: {{bucket: {bucket.name}, key: "sent/{{{{date}}}}/"}}\n'
    (folder / "exports" / "daily.yaml").write_text(
        DAILY[: DAILY.index("  - folder")] + sends, encoding="utf-8"
    )
    s3 = S3Resource(
        endpoint_url=server.endpoint_url,
        aws_access_key_id=KEY,
        aws_secret_access_key=dg.EnvVar("HOST_SECRET"),
        region_name="us-east-1",
    )
    job = build_defs(Project.open(folder), prefix="acme", s3=s3).resolve_job_def("acme_daily")
    assert job.execute_in_process(partition_key=DAY, instance=instance).success
    names = sorted(stored_object.key for stored_object in bucket.list(""))
    assert [key for key in names if key.startswith(f"store/daily/{DAY}/")]
    assert f"sent/{DAY}/leads_part_1.csv" in names


@pytest.fixture
def project_of_exports(folder: Path) -> Project:
    (folder / "exports" / "broken.yaml").write_text(DAILY.replace("email", "emial"), encoding="utf-8")
    return Project.open(folder, now=lambda: NOW)


def dg_says(folder: Path, *words: str) -> str:
    environment = {**os.environ, "DG_CLI_CONFIG": str(folder / "dg.toml"), "PYTHONPATH": str(REPOSITORY)}
    with Process(["-m", "dagster_dg_cli.cli", *words], folder, environment) as ran:
        out, said = ran.communicate()
    assert ran.wait() == 0, out + said
    return out


def _records(instance: dg.DagsterInstance) -> list[dg.AssetMaterialization]:
    materialized = [
        instance.fetch_materializations(key, limit=1).records for key in instance.get_asset_keys()
    ]
    return [
        record.asset_materialization
        for records in materialized
        for record in records
        if record.asset_materialization
    ]


def _texts(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    texts = [
        failure.user_failure_data.description if failure.user_failure_data else failure.error
        for failure in failed
    ]
    return "\n".join(map(str, texts))
