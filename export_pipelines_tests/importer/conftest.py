from pathlib import Path

import pytest

from export_pipelines_tests.importer.room import Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)
