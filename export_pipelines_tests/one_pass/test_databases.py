"""Backfills of each database in one pass give what runs of one window each give: the same files, the same manifests."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines.artifacts import verify
from export_pipelines.key_versions import PREFIX, KeyVersions, key_versions
from export_pipelines.orchestration import backfill
from export_pipelines.orchestration import write_windows as writing
from export_pipelines.sample import generate_leads
from export_pipelines_tests import cells
from export_pipelines_tests.one_pass.windows import EXPORTS, HEAD, content, passes
from export_pipelines_tests.orchestration.project import DAYS, LEADS, START, Project, make_project, now

REPORT = "type: report\nowner: operations\npartition: daily\nstart: 2024-01-01\nformat: csv\nmetrics: [leads, revenue]\nover: leads\ngroup_by: [source.name]\n"
FIRST, LAST = "2024-01-29", "2024-02-02"  # two days without leads at the end
WINDOWS = 5
EXPORTED = {name: HEAD + EXPORTS[name] for name in ("masked", "ndjson by rows", "parquet", "filtered")} | {
    "report": REPORT
}


# what each database is asked, in all of them; what is written of it, and reports, which no pass reads, in one
CASES = cells.some(
    list(product(("sqlite", "postgresql", "mariadb"), EXPORTED)),
    [
        *product(("sqlite", "postgresql", "mariadb"), ("masked", "filtered")),
        *(("sqlite", "report"), ("postgresql", "ndjson by rows"), ("mariadb", "parquet")),
    ],
)


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('source') / 'leads.db'}"
    else:
        url = request.getfixturevalue(f"{request.param}_url")
    generate_leads(url, LEADS, 7, START, DAYS, replace=True)
    yield url


def project_in(folder: Path, source: str, name: str) -> Project:
    """Its artifacts are sealed."""
    folder.mkdir()
    keys = {key: key_of(key.upper(), folder) for key in ("hash_key", "master_key")}
    project = make_project(folder, folder / "none.db").with_source(source)
    project = Project(project.settings.model_copy(update=keys))
    project.write("daily", EXPORTED[name])
    return project


def key_of(name: str, folder: Path) -> KeyVersions:
    return key_versions({PREFIX + name: f"{name} of the tests, of no secret"}, name, folder, folder)


def filled(project: Project) -> list[tuple[dict[str, Any], dict[str, bytes]]]:
    """The artifacts of a backfill, by their windows."""
    opened = project.opened(now)
    with dg.DagsterInstance.ephemeral() as instance:
        done = backfill(opened, "daily", FIRST, LAST, instance=instance)
    assert done.failures == {}
    assert [verify(opened.store, manifest.artifact) for manifest in done.manifests] == [[]] * WINDOWS
    return [content(opened.store, manifest) for manifest in done.manifests]


@pytest.mark.parametrize(("source", "name"), CASES, indirect=["source"])
def test_a_backfill_gives_what_runs_of_one_window_give(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sizes = passes(monkeypatch)
    together = filled(project_in(tmp_path / "together", source, name))
    assert sizes == ([WINDOWS] if name != "report" else [])
    monkeypatch.setattr(writing, "adjacent", lambda plans: [(plan,) for plan in plans])
    alone = filled(project_in(tmp_path / "alone", source, name))
    assert together == alone and sum(manifest["rows"] for manifest, _ in together) > 0
