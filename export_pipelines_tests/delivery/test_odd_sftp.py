"""Servers that can do less than others, or say it oddly: drop boxes of OpenSSH, and paramiko's server with odd answers."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from export_pipelines.definition.delivery import read_entry
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.definition.destinations.sftp import SshLogin
from export_pipelines.delivery.sftp.ssh import connected, login_of
from export_pipelines.errors import RequestError, RetryableError
from export_pipelines_servers.fault_proxy import Fault, fault_proxy
from export_pipelines_servers.odd_sftp import Oddities, odd_sftp
from export_pipelines_servers.receivers import SftpReceiver
from export_pipelines_servers.ssh import openssh
from export_pipelines_tests.artifacts.build import AT, PARTS, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry

LATER = "20240117T020000Z-0a1b2c"
OTHER = {"leads_part_1.csv": b"id\n9\n"}
LARGE = {"large.bin": bytes(range(256)) * 40_000}
WRITE_ONLY = " -p realpath,open,close,write"


def later(desk: Desk, parts: dict[str, bytes] = OTHER) -> Any:
    return stored(desk.store, parts, token=LATER, at=AT + timedelta(days=1))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def odd_receiver(stack: ExitStack, desk: Desk, tmp_path: Path, odd: Oddities) -> SftpReceiver:
    (tmp_path / "receiver").mkdir()
    made = SftpReceiver(stack.enter_context(odd_sftp(tmp_path / "receiver", odd)))
    desk.environment.update(made.environment)
    return made


@pytest.fixture
def box(desk: Desk, stack: ExitStack) -> SftpReceiver:
    """A folder of OpenSSH's server, which takes files and answers nothing else."""
    made = SftpReceiver(stack.enter_context(openssh(options=WRITE_ONLY)))
    (made.server.root / "in").mkdir()
    desk.environment.update(made.environment)
    return made


def test_a_server_that_denies_what_is_not_there(desk: Desk, stack: ExitStack, tmp_path: Path) -> None:
    receiver = odd_receiver(stack, desk, tmp_path, Oddities(denies_missing=True))
    desk.send(stored(desk.store), receiver.entry())
    desk.send(later(desk), receiver.entry())
    assert {name: data for name, data in receiver.arrived().items() if name in PARTS} == OTHER
    assert receiver.debris() == []
    open_entry(receiver.entry(), desk.resources).check()


def test_a_set_that_stands_whole_is_delivered_whatever_a_clean_up_answers(
    desk: Desk, stack: ExitStack, tmp_path: Path
) -> None:
    odd = Oddities()
    receiver = odd_receiver(stack, desk, tmp_path, odd)
    folder = tmp_path / "receiver" / "in"
    desk.send(stored(desk.store), receiver.entry())
    odd.denied = frozenset({"remove"})
    receipt = desk.send(later(desk, {**PARTS, "leads_part_2.csv": b"id\n9\n"}), receiver.entry())
    assert desk.ledger.deliveries()[0].state == "delivered"
    assert (folder / "leads_part_2.csv").read_bytes() == b"id\n9\n"
    assert receipt.files == ("leads_part_1.csv", "leads_part_2.csv", "daily.manifest.json")


@pytest.mark.parametrize(("verify", "reads"), [(None, True), ("read_back", True), ("acknowledged", False)])
def test_a_server_that_tells_no_sizes(
    desk: Desk, stack: ExitStack, tmp_path: Path, verify: str | None, reads: bool
) -> None:
    odd = Oddities(sizes=False)
    receiver = odd_receiver(stack, desk, tmp_path, odd)
    receipt = desk.send(stored(desk.store, LARGE), receiver.entry(verify=verify))
    assert receiver.arrived()["large.bin"] == LARGE["large.bin"]
    assert receipt.details == {"verified by": verify or "size"}
    assert ("read" in odd.asked) is reads


def test_a_server_that_tells_no_sizes_and_lets_nobody_read_says_what_to_do(
    desk: Desk, stack: ExitStack, tmp_path: Path
) -> None:
    receiver = odd_receiver(stack, desk, tmp_path, Oddities(sizes=False, denied=frozenset({"read"})))
    made = stored(desk.store)
    with pytest.raises(RequestError, match="tells no size.*`verify: acknowledged`"):
        desk.send(made, receiver.entry())
    desk.send(made, receiver.entry(verify="acknowledged"))
    assert set(PARTS) <= set(receiver.arrived())


def test_no_request_waits_until_the_one_before_is_confirmed(
    desk: Desk, stack: ExitStack, tmp_path: Path
) -> None:
    receiver = odd_receiver(stack, desk, tmp_path, Oddities())
    settings = read_entry(cast("StoredEntry", receiver.entry()))
    assert isinstance(settings, SshLogin)
    with connected(login_of(settings, desk.resources, "sftp"), None, 10) as session:
        assert session.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # else 40 ms with Linux


def test_what_is_read_back_is_held_against_its_digest(desk: Desk, stack: ExitStack, tmp_path: Path) -> None:
    """A server that keeps other bytes, of the same number."""
    receiver = odd_receiver(stack, desk, tmp_path, Oddities(spoils=True))
    with pytest.raises(RetryableError, match="is not what was sent"):
        desk.send(stored(desk.store), receiver.entry(verify="read_back"))
    assert receiver.arrived() == {}


@pytest.mark.parametrize(
    "settings", [{"drop_box": True}, {"verify": "acknowledged"}, {"verify": "size"}], ids=str
)
@pytest.mark.parametrize("taken", range(len(PARTS) + 1))
def test_what_is_refused_when_it_is_closed_has_not_arrived(
    desk: Desk, stack: ExitStack, tmp_path: Path, settings: dict[str, Any], taken: int
) -> None:
    """A server that hands each file on as it is closed, and does not take one, be it the manifest."""
    receiver = odd_receiver(stack, desk, tmp_path, Oddities(refused_close=taken))
    made = stored(desk.store)
    with pytest.raises(RetryableError, match="the server could not do it"):
        desk.send(made, receiver.entry(**settings))
    assert desk.ledger.deliveries()[0].state != "delivered"
    desk.at += timedelta(hours=1)
    desk.send(made, receiver.entry(**settings))
    assert desk.ledger.deliveries()[0].state == "delivered"
    assert receiver.arrived() == dict(sorted({**PARTS, "daily.manifest.json": made.to_json()}.items()))


def test_a_drop_box_is_served_with_open_write_and_close_alone(desk: Desk, box: SftpReceiver) -> None:
    with pytest.raises((RequestError, RetryableError)):
        desk.send(stored(desk.store, export="other"), box.entry())
    assert box.arrived() == {}
    made = stored(desk.store)
    receipt = desk.send(made, box.entry(drop_box=True))
    assert box.arrived() == dict(sorted({**PARTS, "daily.manifest.json": made.to_json()}.items()))
    assert receipt.details == {"verified by": "acknowledged"}
    assert receipt.files[-1] == "daily.manifest.json"
    open_entry(box.entry(drop_box=True), desk.resources).check()
    assert set(box.arrived()) == {*PARTS, "daily.manifest.json"}


def test_a_drop_box_replaces_what_we_sent_and_nothing_else(desk: Desk, box: SftpReceiver) -> None:
    entry = box.entry(drop_box=True, manifest=False)
    desk.send(stored(desk.store), entry)
    desk.send(later(desk), entry)
    assert box.arrived() == {**PARTS, **OTHER}
    (box.server.root / "in" / "theirs.csv").write_bytes(b"theirs")
    with pytest.raises(RequestError, match=r"does not take theirs\.csv: a file of that name stands there"):
        desk.send(stored(desk.store, {"theirs.csv": b"1\n"}, export="weekly"), entry)
    never, third = box.entry(drop_box=True, manifest=False, overwrite="never"), "20240118T020000Z-0a1b2c"
    with pytest.raises(RequestError, match=r"does not take leads_part_1\.csv"):
        desk.send(stored(desk.store, token=third, at=AT + timedelta(days=2)), never)
    assert box.arrived() == {**PARTS, **OTHER, "theirs.csv": b"theirs"}


def test_what_broke_off_in_a_drop_box_is_sent_anew_and_the_rest_once(desk: Desk, box: SftpReceiver) -> None:
    files = {"a.csv": b"a\n", **LARGE}
    entry = {"drop_box": True}
    with fault_proxy(box.port) as proxy:
        proxy.fault = Fault("cut", after=5_000_000)
        made = stored(desk.store, files)
        with pytest.raises(RetryableError):
            desk.send(made, box.through(proxy.port, **entry))
        first = (box.server.root / "in" / "a.csv").stat()
        desk.at += timedelta(hours=1)
        desk.send(made, box.through(proxy.port, **entry))
    assert {name: box.arrived()[name] for name in files} == files
    assert (box.server.root / "in" / "a.csv").stat().st_mtime_ns == first.st_mtime_ns


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"drop_box": True, "verify": "size"}, "nothing can be looked at in a drop box"),
        ({"drop_box": True, "overwrite": "version"}, "looks what is there"),
        ({"verify": "trust"}, "allowed: acknowledged, read_back, size"),
    ],
)
def test_what_a_drop_box_cannot_do_is_refused(desk: Desk, settings: dict[str, Any], text: str) -> None:
    given = {"host": "h", "user": "u", "path": "p", "password": {"env": "P"}, **settings}
    with pytest.raises(RequestError, match=text):
        open_entry({"kind": "sftp", "settings": given}, desk.resources)
