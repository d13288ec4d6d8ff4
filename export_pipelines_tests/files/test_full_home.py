"""A home whose disk is full: whatever room is left, a run is done, or says which disk is full and what to do."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines.errors import StoreError
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.ledger.test_ledger_file import fill, small_disk
from export_pipelines_tests.shell import in_process

__all__ = ["small_disk"]
TOLD = "the disk is full"
EXPORT = "type: lead\nformat: csv\nfields: all\npartition: daily\nstart: 2024-01-01\n"


@pytest.fixture
def at_home(project: Project, small_disk: Path) -> Iterator[Project]:
    """The project's home is the small disk; its leads lie elsewhere."""
    project.write("plain", EXPORT)
    project.environment["EXPORT_PIPELINES_HOME"] = str(small_disk)
    yield project


@pytest.mark.parametrize("left", [0, 150_000, 400_000, 700_000])
def test_a_run_is_done_or_names_the_disk(at_home: Project, small_disk: Path, left: int) -> None:
    fill(small_disk, left)
    ran = in_process(at_home, "run", "plain", "--partition", "2024-01-15")
    assert ran.returncode in (0, 1), ran.stderr
    if ran.returncode == 1:
        assert TOLD in ran.stderr and str(small_disk) in ran.stderr, ran.stderr
        assert "fault of the program" not in ran.stderr
    assert not list(small_disk.rglob("*.tmp"))


def test_a_store_names_its_disk(small_disk: Path, tmp_path: Path) -> None:
    desk = Desk(small_disk)
    with pytest.raises(StoreError, match="No space left on device.*the disk is full") as caught:
        stored(desk.store, {"a.csv": b"x" * (3 << 20)})
    assert caught.value.where.startswith(str(small_disk))
    assert shutil.disk_usage(small_disk).used < 1 << 20
