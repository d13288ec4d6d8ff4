"""What goes wrong on the way to a server, at each destination: nothing lost, nothing twice, nothing half shown.

CELLS=all in the environment has each fault on the way to both SFTP servers, not to one of them in turn."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from export_pipelines.delivery.webhook import http_client
from export_pipelines.errors import RetryableError, Uncertain
from export_pipelines_servers.fault_proxy import Fault, FaultProxy, fault_proxy
from export_pipelines_servers.receivers import REMOTE, RemoteReceiver
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.cells import in_turn
from export_pipelines_tests.delivery.desk import Desk

SMALL, LARGE = b"id\n1\n2\n", bytes(range(256)) * 3_000  # no server compresses on the way
FILES = {"a.csv": SMALL, "b.bin": LARGE, "c.csv": SMALL * 9}
FAULTS = {
    "refused twice": Fault("refuse", times=2),
    "reset in the greeting": Fault("reset", after=10, times=2),
    "cut in the handshake": Fault("cut", after=700, times=2),
    "cut before the first file": Fault("cut", after=4_000),
    "cut within a file": Fault("cut", after=300_000),
    "reset within a file, twice": Fault("reset", after=500_000, times=2),
    "cut near the end": Fault("cut", after=770_000),
    "stalled in the handshake": Fault("stall", after=300),
    "stalled within a file": Fault("stall", after=400_000),
    "a bit flipped within a file": Fault("flip", after=400_000),
    "slow": Fault("slow", times=400),
}
ATTEMPTS, TIMEOUT_S = 5, 2
SFTP = ("sftp (OpenSSH)", "sftp (asyncssh)")


@pytest.fixture
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RemoteReceiver]:
    with REMOTE[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def proxy(receiver: RemoteReceiver) -> Iterator[FaultProxy]:
    with fault_proxy(receiver.port) as made:
        yield made


OTHERS = [kind for kind in REMOTE if kind not in SFTP]


@pytest.mark.parametrize(
    ("what", "receiver"),
    [*in_turn(((what,) for what in FAULTS), *SFTP), *product(FAULTS, OTHERS)],
    indirect=["receiver"],
)
def test_a_fault_loses_nothing_and_doubles_nothing(
    desk: Desk, receiver: RemoteReceiver, proxy: FaultProxy, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONNECT_S", TIMEOUT_S)
    proxy.fault = Fault(**vars(FAULTS[what]))
    entry = receiver.through(proxy.port, timeout_s=TIMEOUT_S)
    desk.environment.update(receiver.environment)
    made, seen = stored(desk.store, FILES), []
    for _ in range(ATTEMPTS):
        try:
            desk.send(made, entry)
            break
        except RetryableError:
            desk.at += timedelta(hours=1)
            seen.append(_whole(receiver))
        except Uncertain:
            assert (
                entry["kind"] == "email"
            )  # the one that cannot ask; it was told, and is not sent again unasked
            assert receiver.times(FILES) <= 1
            return
    assert all(seen)
    assert {name: data for name, data in receiver.arrived().items() if name in FILES} == FILES
    assert receiver.debris() == []
    assert receiver.times(FILES) == 1
    (row,) = desk.ledger.deliveries()
    assert (row.state, row.attempts) == ("delivered", len(seen) + 1)
    assert proxy.fault.times < FAULTS[what].times, "the fault did not happen"


def _whole(receiver: RemoteReceiver) -> bool:
    """Whether nothing half can be seen under a final name."""
    return all(FILES[name] == data for name, data in receiver.arrived().items() if name in FILES)
