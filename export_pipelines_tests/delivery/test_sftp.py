"""What SFTP alone can do: host keys, keys with a passphrase, a host on the way, uploads that go on; on two real servers."""

import errno
import logging
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.delivery.sftp import ssh
from export_pipelines.errors import RequestError, RetryableError, SettingsError
from export_pipelines_servers.fault_proxy import Fault, FaultProxy, fault_proxy
from export_pipelines_servers.packages import program, run
from export_pipelines_servers.receivers import OTHER_KEY, SftpReceiver
from export_pipelines_servers.ssh import asyncssh_server, openssh
from export_pipelines_tests.artifacts.build import PARTS, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry
from export_pipelines_tests.delivery.test_sftp_readers import LATER, later

LARGE = {"large.bin": bytes(range(256)) * 40_000}


@pytest.fixture
def unix(desk: Desk) -> Iterator[SftpReceiver]:
    with openssh() as server:
        made = SftpReceiver(server)
        desk.environment.update(made.environment)
        yield made


@pytest.fixture
def told(desk: Desk, tmp_path: Path) -> Iterator[SftpReceiver]:
    """asyncssh's server, which can be told to fail."""
    (tmp_path / "receiver").mkdir()
    with asyncssh_server(tmp_path / "receiver") as server:
        made = SftpReceiver(server)
        desk.environment.update(made.environment)
        yield made


def test_an_unknown_host_key_is_refused_with_its_fingerprint(
    desk: Desk, unix: SftpReceiver, tmp_path: Path
) -> None:
    shown = subprocess.run(
        [program("ssh-keygen", "openssh-client"), "-lf", "-"],
        input=f"host {unix.server.host_key}\n".removeprefix("host "),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[1]
    entry = unix.entry(host_key=None, known_hosts=str(tmp_path / "known"))
    with pytest.raises(RequestError, match="the host key is not known") as error:
        open_entry(entry, desk.resources).check()
    assert shown in str(error.value)
    assert f"ssh-keyscan -p {unix.port} 127.0.0.1 >>" in error.value.remedy
    (tmp_path / "known").write_text(f"[127.0.0.1]:{unix.port} {unix.server.host_key}\n")
    open_entry(entry, desk.resources).check()


def test_a_changed_host_key_is_refused_and_says_what_to_do(
    desk: Desk, unix: SftpReceiver, tmp_path: Path
) -> None:
    (tmp_path / "known").write_text(f"[127.0.0.1]:{unix.port} {OTHER_KEY}\n")
    entry = unix.entry(host_key=None, known_hosts=str(tmp_path / "known"))
    with pytest.raises(
        RequestError, match=r"the host key is another one now: ssh-ed25519 SHA256:.*known_hosts"
    ):
        desk.send(stored(desk.store), entry)
    assert desk.ledger.deliveries()[0].state == "failed"


def test_a_wrong_password_and_a_wrong_key_are_told_alike(
    desk: Desk, unix: SftpReceiver, told: SftpReceiver, tmp_path: Path
) -> None:
    run(
        [
            program("ssh-keygen", "openssh-client"),
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-f",
            str(tmp_path / "other"),
        ]
    )
    for entry in (told.entry(password={"env": "WRONG"}), unix.entry(key={"file": str(tmp_path / "other")})):
        with pytest.raises(RequestError, match="wrong password or key"):
            open_entry(entry, desk.resources).check()


def test_a_key_with_a_passphrase(desk: Desk, unix: SftpReceiver, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(unix.server.key)
    path.chmod(0o600)
    keygen = program("ssh-keygen", "openssh-client")
    run([keygen, "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(path)])
    desk.environment["PHRASE"] = "open sesame"
    asked = unix.entry(key={"file": str(path)}, passphrase={"env": "PHRASE"})
    desk.send(stored(desk.store), asked)
    assert set(PARTS) <= set(unix.arrived())
    with pytest.raises(SettingsError, match="the private key is encrypted.*`passphrase`"):
        open_entry(unix.entry(key={"file": str(path)}), desk.resources)
    desk.environment["PHRASE"] = "wrong"
    with pytest.raises(SettingsError, match="its passphrase is wrong"):
        open_entry(asked, desk.resources)


def test_a_host_on_the_way(desk: Desk, unix: SftpReceiver, told: SftpReceiver) -> None:
    desk.environment.update({"JUMP": unix.server.key, "SSH": told.server.password})
    jump = {**unix.server.login(), "key": {"env": "JUMP"}}
    desk.send(stored(desk.store), told.entry(jump=jump))
    assert set(PARTS) <= set(told.arrived())
    with pytest.raises(RequestError, match=f"127.0.0.1:{unix.port}: the host key is another one"):
        open_entry(told.entry(jump={**jump, "host_key": OTHER_KEY}), desk.resources).check()


def break_off(desk: Desk, unix: SftpReceiver, proxy: FaultProxy, made: Any) -> Path:
    """The file that an upload leaves whose connection was cut after 7 MB; an hour later it may be tried again."""
    proxy.fault = Fault("cut", after=7_000_000)
    with pytest.raises(RetryableError):
        desk.send(made, unix.through(proxy.port))
    (half,) = [path for path in unix.server.root.rglob(".*") if path.stat().st_size]
    desk.at += timedelta(hours=1)
    return half


def test_an_upload_goes_on_where_it_broke_off(desk: Desk, unix: SftpReceiver) -> None:
    made = stored(desk.store, LARGE)
    with fault_proxy(unix.port) as proxy:
        half = break_off(desk, unix, proxy, made)
        assert 3_000_000 < half.stat().st_size < len(LARGE["large.bin"])
        proxy.fault = Fault("cut", after=9_500_000)  # more than what is left, less than the whole
        desk.send(made, unix.through(proxy.port))
    assert unix.arrived()["large.bin"] == LARGE["large.bin"]
    assert unix.debris() == []


def test_what_was_changed_while_the_connection_was_broken_is_found(desk: Desk, unix: SftpReceiver) -> None:
    made = stored(desk.store, LARGE)
    with fault_proxy(unix.port) as proxy:
        half = break_off(desk, unix, proxy, made)
        with half.open("r+b") as file:
            file.write(b"other")
        with pytest.raises(RetryableError, match="was changed"):
            desk.send(made, unix.through(proxy.port))
        desk.at += timedelta(hours=1)
        desk.send(made, unix.through(proxy.port))
    assert unix.arrived()["large.bin"] == LARGE["large.bin"]


@pytest.mark.parametrize(
    ("what", "code", "kind", "text"),
    [
        ("open", errno.EACCES, RequestError, "does not let us write there"),
        ("write", errno.ENOSPC, RetryableError, "sftp:.*could not do it.*disk is full"),
        ("rename", errno.EACCES, RequestError, "does not let us write there"),
    ],
)
def test_what_the_server_refuses_is_told_and_nothing_half_is_shown(
    desk: Desk, told: SftpReceiver, what: str, code: int, kind: type[Exception], text: str
) -> None:
    def fail() -> None:
        raise OSError(code, "s3cret of the server")

    made, told.server.fails[what] = stored(desk.store), fail
    with pytest.raises(kind, match=text) as error:
        desk.send(made, told.entry())
    assert "s3cret" not in str(error.value)
    assert told.arrived() == {}
    told.server.fails.clear()
    desk.at += timedelta(hours=1)
    desk.send(made, told.entry())
    assert {name: told.arrived()[name] for name in PARTS} == PARTS
    assert told.debris() == []


def test_never_and_version(desk: Desk, told: SftpReceiver) -> None:
    desk.send(stored(desk.store), told.entry(overwrite="never"))
    other = later(desk, {"leads_part_1.csv": b"id\n9\n"})
    with pytest.raises(RequestError, match="already there"):
        desk.send(other, told.entry(overwrite="never"))
    receipt = desk.send(other, told.entry(overwrite="version"))
    assert receipt.target.endswith("/in_v2")
    assert (told.server.root / "in_v2" / "leads_part_1.csv").read_bytes() == b"id\n9\n"
    assert {name: told.arrived()[name] for name in PARTS} == PARTS


def test_two_exports_in_one_folder_replace_nothing_of_each_other(desk: Desk, told: SftpReceiver) -> None:
    desk.send(stored(desk.store), told.entry())
    with pytest.raises(RequestError, match="belongs to export daily"):
        desk.send(stored(desk.store, export="other"), told.entry())
    mine = stored(desk.store, {"mine.csv": b"1\n"}, export="other", token=LATER)
    desk.send(mine, told.entry())
    assert set(told.arrived()) == {*PARTS, "mine.csv", "daily.manifest.json", "other.manifest.json"}


def test_without_a_manifest_the_files_are_known_by_their_bytes(desk: Desk, told: SftpReceiver) -> None:
    entry = told.entry(manifest=False)
    desk.send(stored(desk.store), entry)
    assert set(told.arrived()) == set(PARTS)
    desk.send(later(desk, {**PARTS, "leads_part_2.csv": b"id\n9\n"}), entry)
    assert told.arrived()["leads_part_2.csv"] == b"id\n9\n"


def test_a_write_that_failed_in_the_middle_leaves_no_hole(desk: Desk, told: SftpReceiver) -> None:
    """Later writes go to their own places, so that the size is right all the same."""
    writes = iter(range(1_000))

    def fail_once() -> None:
        if next(writes) == 5:
            raise OSError(errno.ENOSPC, "full")

    parts = {"some.bin": bytes(range(256)) * 2_000}
    made, told.server.fails["write"] = stored(desk.store, parts), fail_once
    with pytest.raises(RetryableError, match="disk is full"):
        desk.send(made, told.entry())
    assert told.arrived() == {}
    desk.at += timedelta(hours=1)
    desk.send(made, told.entry())
    assert told.arrived()["some.bin"] == parts["some.bin"]


@pytest.mark.parametrize("overwrite", ["never", "version"])
def test_what_came_while_it_was_on_its_way_is_not_replaced(
    desk: Desk, unix: SftpReceiver, overwrite: str
) -> None:
    """Another delivery's file comes after this one looked, and before it gives its files their names."""
    made, folder = stored(desk.store), unix.server.root / "in"
    with fault_proxy(unix.port) as proxy:
        proxy.fault = Fault("slow", times=10_000)
        entry = unix.through(proxy.port, overwrite=overwrite)
        come = threading.Thread(target=_comes, args=(folder,))
        come.start()
        if overwrite == "never":
            with pytest.raises(RequestError, match="came there in between|already there"):
                desk.send(made, entry)
        else:
            assert desk.send(made, entry).target.endswith("/in_v2")
        come.join()
    assert (folder / "leads_part_2.csv").read_bytes() == b"theirs"
    assert [path.name for path in folder.iterdir()] == ["leads_part_2.csv"]


def _comes(folder: Path) -> None:
    while not list(folder.glob(".*.tmp")):
        time.sleep(0.001)
    (folder / "leads_part_2.csv").write_bytes(b"theirs")


def test_a_login_that_breaks_off_is_tried_again(desk: Desk, unix: SftpReceiver) -> None:
    with fault_proxy(unix.port) as proxy:
        proxy.fault = Fault("cut", after=1_900)  # keys are agreed upon, the login is on its way
        with pytest.raises(RetryableError):
            desk.send(stored(desk.store), unix.through(proxy.port))


def test_a_broken_line_of_known_hosts_is_no_matter(desk: Desk, unix: SftpReceiver, tmp_path: Path) -> None:
    lines = ["broken ssh-ed25519 AAAAC3Nz!", f"[127.0.0.1]:{unix.port} {unix.server.host_key}"]
    (tmp_path / "known").write_text("\n".join(lines))
    open_entry(unix.entry(host_key=None, known_hosts=str(tmp_path / "known")), desk.resources).check()


def test_long_names_have_room_for_what_is_temporary(desk: Desk, unix: SftpReceiver) -> None:
    parts = {f"{'x' * 190}.csv": b"1\n"}
    desk.send(stored(desk.store, parts, export="y" * 60), unix.entry())
    assert set(parts) <= set(unix.arrived())


def test_without_its_manifest_a_set_replaces_one_that_had_it(desk: Desk, told: SftpReceiver) -> None:
    desk.send(stored(desk.store), told.entry())
    desk.send(later(desk, {"leads_part_1.csv": b"id\n9\n"}), told.entry(manifest=False))
    assert told.arrived() == {"leads_part_1.csv": b"id\n9\n"}


def test_paramiko_prints_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors are raised; where nobody listens to its logger, Python would print them."""
    assert ssh.CIPHERS
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logging.getLogger("paramiko.transport").error("Exception (client): Traceback ...")
    assert capsys.readouterr().err == ""
