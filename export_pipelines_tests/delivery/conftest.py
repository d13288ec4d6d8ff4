"""What tests of deliveries share: a desk with a store, a ledger, and a send that goes the whole way; and the
receiving end of each kind of destination."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import Store
from export_pipelines.delivery import Receipt
from export_pipelines_servers.receivers import FolderReceiver, Receiver
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.delivery.receivers import RECEIVERS


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


@pytest.fixture
def open_receiver(tmp_path: Path, desk: Desk) -> Iterator[Callable[[str], Any]]:
    """Opens the receiver of a kind, until the test is over; the desk knows the secrets that its entries name."""
    with ExitStack() as stack:

        def open_kind(kind: str) -> Receiver:
            receiver = stack.enter_context(RECEIVERS[kind](tmp_path))
            desk.environment.update(receiver.environment)
            return receiver

        yield open_kind


@pytest.fixture(params=RECEIVERS)
def receiver(request: pytest.FixtureRequest, open_receiver: Callable[[str], Receiver]) -> Receiver:
    """One of each kind."""
    return open_receiver(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> FolderReceiver:
    """A folder that the delivery makes."""
    return FolderReceiver(tmp_path / "receiver")
