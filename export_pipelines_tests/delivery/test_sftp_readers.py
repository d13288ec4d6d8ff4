"""What others see of a folder on an SFTP server while files arrive."""

import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines_servers.receivers import SftpReceiver
from export_pipelines_servers.ssh import asyncssh_server
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.delivery.desk import Desk

LATER = "20240117T020000Z-0a1b2c"


def later(desk: Desk, parts: dict[str, bytes]) -> Any:
    return stored(desk.store, parts, token=LATER, at=AT + timedelta(days=1))


def test_a_server_without_posix_rename(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "receiver").mkdir()
    with asyncssh_server(tmp_path / "receiver", posix_rename=False) as server:
        receiver = SftpReceiver(server)
        desk.environment.update(receiver.environment)
        desk.send(stored(desk.store), receiver.entry())
        desk.send(later(desk, {"leads_part_1.csv": b"id\n9\n"}), receiver.entry())
        assert set(receiver.arrived()) == {"leads_part_1.csv", "daily.manifest.json"}
        assert receiver.arrived()["leads_part_1.csv"] == b"id\n9\n"


@pytest.mark.parametrize("posix_rename", [True, False])
def test_who_looks_every_few_milliseconds_reads_no_half_file(
    desk: Desk, tmp_path: Path, posix_rename: bool
) -> None:
    (tmp_path / "receiver").mkdir()
    sets = [{"large.bin": bytes([number]) * 6_000_000} for number in range(4)]
    whole, seen, ended = {data for one in sets for data in one.values()}, set(), threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            with suppress(FileNotFoundError):
                seen.add((tmp_path / "receiver" / "in" / "large.bin").read_bytes())

    with asyncssh_server(tmp_path / "receiver", posix_rename=posix_rename) as server:
        desk.environment.update(SftpReceiver(server).environment)
        reader = threading.Thread(target=look)
        reader.start()
        for number, parts in enumerate(sets):
            at = AT + timedelta(days=number)
            made = stored(desk.store, parts, token=f"{at:%Y%m%dT%H%M%SZ}-0a1b2c", at=at)
            desk.send(made, SftpReceiver(server).entry())
        ended.set()
        reader.join()
    assert seen
    assert seen <= whole
