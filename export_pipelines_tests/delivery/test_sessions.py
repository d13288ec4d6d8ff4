"""Deliveries of one run share a connection; what the other side closed meanwhile is opened again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.delivery import Receipt, Resources
from export_pipelines.errors import RetryableError, Uncertain
from export_pipelines.pipeline import deliver
from export_pipelines_servers.fault_proxy import FaultProxy, fault_proxy
from export_pipelines_servers.receivers import REMOTE, Entry, RemoteReceiver
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.delivery.desk import Desk

SESSIONS = ("email", "sftp (OpenSSH)", "sftp (asyncssh)")
KEPT = (*SESSIONS, "s3")
FILES = [{"a.csv": b"id\n%d\n" % number * 5_000} for number in range(3)]


@pytest.fixture(params=KEPT)
def receiver(request: pytest.FixtureRequest, tmp_path: Path, desk: Desk) -> Iterator[RemoteReceiver]:
    with REMOTE[request.param](tmp_path) as receiver:
        yield receiver


@pytest.fixture
def proxy(receiver: RemoteReceiver) -> Iterator[FaultProxy]:
    with fault_proxy(receiver.port) as proxy:
        yield proxy


@pytest.fixture
def entry(receiver: RemoteReceiver, proxy: FaultProxy, desk: Desk) -> Entry:
    entry = receiver.through(proxy.port)
    desk.environment.update(receiver.environment)
    return entry


def artifacts(desk: Desk) -> list[Manifest]:
    """One after the other of the same window, each with other rows."""
    tokens = [f"2024011{number}T020000Z-0a1b2c" for number in range(6, 9)]
    return [stored(desk.store, files, token=token) for files, token in zip(FILES, tokens, strict=True)]


def sent(desk: Desk, manifest: Manifest, entry: Entry, resources: Resources) -> Receipt:
    return deliver(desk.due(manifest, entry), desk.ledger, resources, lambda: desk.at)


def test_deliveries_of_a_block_share_a_connection(
    desk: Desk, receiver: RemoteReceiver, proxy: FaultProxy, entry: Entry
) -> None:
    resources, connections = desk.resources, []
    with resources.sessions:
        for manifest in artifacts(desk):
            sent(desk, manifest, entry, resources)
            connections.append(proxy.connections)
    assert connections == [connections[0]] * 3 and receiver.times(FILES[-1]) == 1
    assert receiver.arrived()["a.csv"] == FILES[-1]["a.csv"]


def test_a_block_within_another_ends_no_connection(desk: Desk, proxy: FaultProxy, entry: Entry) -> None:
    resources, (first, second, third) = desk.resources, artifacts(desk)
    with resources.sessions:
        with resources.sessions:
            sent(desk, first, entry, resources)
        before = proxy.connections
        sent(desk, second, entry, resources)
        assert proxy.connections == before
    sent(desk, third, entry, resources)
    assert proxy.connections > before


def test_outside_of_a_block_each_delivery_has_its_own(desk: Desk, proxy: FaultProxy, entry: Entry) -> None:
    first, second, _ = artifacts(desk)
    sent(desk, first, entry, desk.resources)
    before = proxy.connections
    sent(desk, second, entry, desk.resources)
    assert proxy.connections == 2 * before


def test_a_connection_that_the_other_side_closed_is_opened_again(
    desk: Desk, receiver: RemoteReceiver, proxy: FaultProxy, entry: Entry
) -> None:
    resources, (first, second, _) = desk.resources, artifacts(desk)
    with resources.sessions:
        sent(desk, first, entry, resources)
        before, proxy.fault.kind, proxy.fault.after = proxy.connections, "cut", 0
        sent(desk, second, entry, resources)
    assert proxy.connections == before + 1
    assert receiver.arrived()["a.csv"] == FILES[1]["a.csv"] and receiver.times(FILES[1]) == 1


@pytest.mark.parametrize("receiver", SESSIONS, indirect=True)  # boto3 tries again by itself
def test_a_connection_that_broke_within_a_delivery_is_not_kept(
    desk: Desk, receiver: RemoteReceiver, proxy: FaultProxy, entry: Entry
) -> None:
    resources, (first, second, _) = desk.resources, artifacts(desk)
    proxy.fault.kind, proxy.fault.after = "cut", 8_000
    with resources.sessions:
        # a mail may be in the connection's buffers, its end too, before the cut
        with pytest.raises((RetryableError, Uncertain)):
            sent(desk, first, entry, resources)
        before = proxy.connections
        sent(desk, second, entry, resources)
    assert proxy.connections == before + 1 and receiver.times(FILES[1]) == 1
