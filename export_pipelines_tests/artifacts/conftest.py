"""A store of each kind."""

from pathlib import Path

import pytest

from export_pipelines.artifacts import Store
from export_pipelines_tests.artifacts.places import PLACES, Place


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return PLACES[request.param](tmp_path, monkeypatch)


@pytest.fixture
def store(place: Place) -> Store:
    return place.store()
