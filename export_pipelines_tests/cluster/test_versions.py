"""Launcher and workers must read the same definitions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.cluster.versions import definitions_digest, program_version
from export_pipelines.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "daily.yaml").write_text("type: lead\n")
    return Settings.load({}, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "exports" / "daily.yaml").write_text("type: event\n"),
        lambda root: (root / "exports" / "daily.yaml").rename(root / "exports" / "nightly.yaml"),
        lambda root: (root / "exports" / "weekly.yml").write_text("type: lead\n"),
        lambda root: (root / "access.yaml").write_text("roles: {}\n"),
    ],
)
def test_each_change_of_what_is_exported_or_allowed_shows(
    settings: Settings, change: Callable[[Path], object]
) -> None:
    before = definitions_digest(settings)
    assert definitions_digest(settings) == before
    change(settings.root)
    assert definitions_digest(settings) != before


def test_a_catalog_of_its_own_shows(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text("fields: []\n")
    other = settings.model_copy(update={"catalog": tmp_path / "catalog.yaml"})
    assert definitions_digest(other) != definitions_digest(settings)


def test_the_same_files_elsewhere_are_the_same_definitions(settings: Settings, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    (there / "exports").mkdir(parents=True)
    (there / "exports" / "daily.yaml").write_text("type: lead\n")
    assert definitions_digest(Settings.load({}, there)) == definitions_digest(settings)


def test_the_version_of_the_program_names_its_files() -> None:
    assert program_version() == program_version() and len(program_version().rpartition("-")[2]) == 8
