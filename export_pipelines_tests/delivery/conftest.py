"""What tests of deliveries share: a desk with a store, a ledger, and a send that goes the whole way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.artifacts import Store
from export_pipelines.delivery import Receipt
from export_pipelines_tests.delivery.desk import Desk


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def desk(home: Path) -> Desk:
    return Desk(home)


@pytest.fixture
def store(desk: Desk) -> Store:
    return desk.store


@pytest.fixture
def send(desk: Desk) -> Callable[..., Receipt]:
    return desk.send
