"""A bucket for a sink."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines.s3 import Bucket
from export_pipelines_tests.streaming.sinks.places import PLACES, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with PLACES["s3"](tmp_path) as place:
        yield place


@pytest.fixture
def bucket(place: Place) -> Bucket:
    assert place.bucket is not None
    return place.bucket
