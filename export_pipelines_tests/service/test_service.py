"""What all requests of one process share."""

import asyncio
from pathlib import Path

import pytest

from export_pipelines.key_versions import PREFIX
from export_pipelines.project import Project
from export_pipelines.service.app import create_app
from export_pipelines.service.service import Service
from export_pipelines.service.settings import ServiceSettings
from export_pipelines_tests.service.serving import DAILY, make_project


def test_definitions_are_read_again_by_a_thread_and_never_by_the_event_loop(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    environment = make_project(folder, store_url)
    monkeypatch.setenv(f"{PREFIX}DAGSTER", environment[f"{PREFIX}DAGSTER"])
    project = Project.open(folder, environment)
    service: Service = create_app(project, ServiceSettings()).state.service

    def names() -> list[str]:
        return [definition.name for definition in service.project.loaded.definitions]

    async def in_both() -> tuple[list[str], list[str]]:
        return names(), await asyncio.to_thread(names)

    try:
        before = names()
        (folder / "exports" / "new.yaml").write_text(DAILY)
        service.look_again()
        assert asyncio.run(in_both()) == (before, sorted([*before, "new"]))
    finally:
        service.runs.close()
