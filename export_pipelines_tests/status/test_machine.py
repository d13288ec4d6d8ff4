"""Disks, and spans of time for people."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from export_pipelines.key_versions import PREFIX
from export_pipelines.status.machine import LEAST_FREE_BYTES, DiskSpace, disk_spaces
from export_pipelines.status.part import span
from export_pipelines_tests.conftest import Answer, Project

Terminal = Callable[..., Answer]
DAY = timedelta(days=1)


def test_disks_are_measured_where_home_and_store_lie(project: Project, tmp_path: Path) -> None:
    (space,) = disk_spaces(project.settings)
    assert (space.place, space.total) == ("home", shutil.disk_usage(tmp_path).total)
    project.environment[f"{PREFIX}STORE_URL"] = "/proc"
    assert [space.place for space in disk_spaces(project.settings)] == ["home", "store"]
    project.environment[f"{PREFIX}STORE_URL"] = "s3://bucket/prefix"
    assert [space.place for space in disk_spaces(project.settings)] == ["home"]


@pytest.mark.parametrize(
    ("free", "total", "is_short"),
    [
        (LEAST_FREE_BYTES, 10 * LEAST_FREE_BYTES, False),
        (LEAST_FREE_BYTES - 1, 10 * LEAST_FREE_BYTES, True),
        (49 * LEAST_FREE_BYTES, 1000 * LEAST_FREE_BYTES, True),
        (50 * LEAST_FREE_BYTES, 1000 * LEAST_FREE_BYTES, False),
    ],
)
def test_a_disk_is_short_below_a_share_and_below_a_size(free: int, total: int, is_short: bool) -> None:
    assert DiskSpace("home", Path("/"), free, total).is_short is is_short


def test_spans_are_for_people() -> None:
    spans = (timedelta(seconds=119), timedelta(minutes=119), timedelta(hours=47), timedelta(days=3), -DAY)
    assert [span(time) for time in spans] == ["119 s", "119 min", "47 h", "3 days", "0 s"]
