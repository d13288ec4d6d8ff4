"""What is done to a service on the internet: connections that say nothing, readers that stall, wrong keys, large bodies, kills.

HALF_OPEN=200 opens so many connections (30), ALIKE=200 sends so many requests with equal keys to two processes (40)."""

import hashlib
import os
import secrets
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests

from export_pipelines.artifacts import Manifest
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import ApiKeys, AuditAction
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.project import Project as Opened
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.service.serving import (
    REQUEST_S,
    SIZE,
    STALLED_S,
    STOP_S,
    Alone,
    make_keys,
    serving,
)

HALF_OPEN, ALIKE = int(os.environ.get("HALF_OPEN", "30")), int(os.environ.get("ALIKE", "40"))
KEYS = min(20, ALIKE // 4)
MOST_MB = 250
AD_HOC = {"type": "lead", "start": "2024-01-01", "end": "2024-01-08", "fields": ["lead_id"]}


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def connected(alone: Alone, sent: bytes, buffer: int | None = None) -> socket.socket:
    port = int(alone.served.url.rpartition(":")[2])
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", port))
    connection.sendall(sent)
    return connection


def asking(alone: Alone, manifest: Manifest) -> bytes:
    path = alone.url(manifest).removeprefix(alone.served.url)
    key = alone.served.keys[OPERATOR]
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def read_to_the_end(connection: socket.socket) -> int:
    total = 0
    try:
        while block := connection.recv(1 << 20):
            total += len(block)
    except ConnectionResetError:
        pass
    return total


def test_a_file_under_another_master_key_is_refused_and_recorded(alone: Alone) -> None:
    """By a key, by a range, and by a link, whose maker the audit names."""
    served, token = alone.served, "20240116T020000Z-eeeeee"
    environment = {**served.environment, f"{PREFIX}MASTER_KEY": "n" * 64}
    manifest = stored(
        Opened.open(served.project.root, environment).store, {"leads.csv": b"lead_id\n"}, token=token
    )
    links = f"{served.url}/artifacts/{manifest.artifact}/links"
    link = requests.post(links, auth=alone.auth, json={"recipient": "ruth@acme.example"}, timeout=60).json()
    answers = [
        alone.get(manifest),
        alone.get(manifest, headers={"Range": "bytes=1-2"}),
        requests.get(f"{served.url}{link['url']}/files/leads.csv", timeout=60),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "key_refused")
        assert "which is not held here" in answer.json()["detail"]
    denied = list(served.project.trail.log.entries(AuditAction.DENIED))[-3:]
    assert {(entry.actor, entry.subject, entry.detail["code"]) for entry in denied} == {
        (OPERATOR, manifest.artifact, "key_refused")
    }
    assert alone.get(alone.sealed).status_code == 200


def test_a_sealed_file_is_opened_on_the_way(alone: Alone) -> None:
    whole = alone.get(alone.sealed)
    assert hashlib.sha256(whole.content).hexdigest() == alone.sealed.parts[0].sha256
    part = alone.get(alone.sealed, headers={"Range": "bytes=12000000-12000099"})
    assert (part.status_code, part.content) == (206, whole.content[12000000:12000100])
    assert alone.path(alone.sealed).stat().st_size > SIZE


@pytest.mark.parametrize("kind", ["plain", "sealed"])
def test_a_file_that_was_changed_in_the_middle_breaks_the_download(
    alone: Alone, kind: str, tmp_path: Path
) -> None:
    manifest: Manifest = getattr(alone, kind)
    path = alone.path(manifest)
    with path.open("r+b") as file:
        file.seek(SIZE // 2)
        byte = file.read(1)
        file.seek(SIZE // 2)
        file.write(bytes([byte[0] ^ 1]))
    try:
        user = ":".join(alone.auth)
        command = ["curl", "-sS", "-u", user, "-o", str(tmp_path / "file"), alone.url(manifest)]
        assert subprocess.run(command, timeout=60, check=False).returncode == 18
    finally:
        with path.open("r+b") as file:
            file.seek(SIZE // 2)
            file.write(byte)
    assert alone.get(manifest).status_code == 200


def test_a_file_that_becomes_shorter_breaks_the_download(alone: Alone) -> None:
    """Also one that was proven before, which the kernel sends."""
    served, token = alone.served, "20240116T020000Z-dddddd"
    environment = {k: v for k, v in served.environment.items() if k != f"{PREFIX}MASTER_KEY"}
    store = Opened.open(served.project.root, environment).store
    manifest = stored(store, {"leads.csv": bytes(SIZE)}, token=token)
    assert len(alone.get(manifest).content) == SIZE
    with closing(connected(alone, asking(alone, manifest), buffer=4096)) as connection:
        assert connection.recv(10)
        os.truncate(alone.path(manifest), SIZE // 2)
        connection.settimeout(20)
        assert read_to_the_end(connection) < SIZE


def test_ranges_of_one_file_are_proven_by_one_reading(alone: Alone) -> None:
    served, token = alone.served, "20240116T020000Z-cccccc"
    environment = {k: v for k, v in served.environment.items() if k != f"{PREFIX}MASTER_KEY"}
    store = Opened.open(served.project.root, environment).store
    manifest = stored(store, {"leads.csv": bytes(SIZE)}, token=token)
    before = _read_bytes(alone.pid)
    with ThreadPoolExecutor(8) as threads:
        ranges = [{"Range": f"bytes={start}-{start + 9}"} for start in range(8)]
        answers = list(threads.map(lambda headers: alone.get(manifest, headers=headers), ranges))
    assert [answer.content for answer in answers] == [bytes(10)] * 8
    assert SIZE <= _read_bytes(alone.pid) - before < 2 * SIZE


def _read_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])


def test_connections_that_say_nothing_are_closed_and_others_are_served(alone: Alone) -> None:
    with ExitStack() as stack:
        begun = [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST /exports HTTP/1.1\r\nContent-Length: 9\r\n"]
        idle = [stack.enter_context(closing(connected(alone, begun[n % 3]))) for n in range(HALF_OPEN)]
        assert requests.get(f"{alone.served.url}/health", timeout=10).ok
        began = time.monotonic()
        assert all(connection.recv(1) == b"" for connection in idle)
        assert time.monotonic() - began < REQUEST_S + 20
    assert memory_mb(alone.pid) < MOST_MB


def test_a_body_that_does_not_come_is_not_waited_for(alone: Alone) -> None:
    key = alone.served.keys[OPERATOR]
    head = f"POST /exports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 100\r\n\r\n"
    with closing(connected(alone, head.encode() + b'{"type"')) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")


def test_a_client_that_goes_away_within_its_request_is_no_fault_of_the_service(alone: Alone) -> None:
    key = alone.served.keys[OPERATOR]
    head = f"POST /exports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 100\r\n\r\n"
    count = 'status="499"'
    with closing(connected(alone, head.encode() + b'{"type"')) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until = time.monotonic() + REQUEST_S + 20
    while count not in requests.get(f"{alone.served.url}/metrics", auth=alone.auth, timeout=30).text:
        assert time.monotonic() < until
        time.sleep(0.1)
    said = [log.read_text() for log in alone.served.project.root.glob("service-*.log")]
    assert said and "Traceback" not in "".join(said)


def test_a_body_of_a_gigabyte_is_refused_before_it_comes(alone: Alone) -> None:
    key = alone.served.keys[OPERATOR]
    for length in ("Content-Length: 1000000000", "Transfer-Encoding: chunked"):
        head = f"POST /exports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{length}\r\n\r\n"
        with closing(connected(alone, head.encode())) as connection:
            try:
                for _ in range(40):
                    connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            except OSError:
                pass
            assert connection.recv(1000).startswith(b"HTTP/1.1 413")
    assert memory_mb(alone.pid) < MOST_MB


def test_a_reader_who_stalls_is_cut_off(alone: Alone) -> None:
    with closing(connected(alone, asking(alone, alone.plain), buffer=4096)) as connection:
        assert connection.recv(10)
        time.sleep(STALLED_S + 2)
        assert read_to_the_end(connection) < SIZE


def test_a_key_that_is_revoked_stops_a_download_that_runs(alone: Alone) -> None:
    keys = ApiKeys(alone.served.project.ledger.engine)
    text = make_keys(alone.served.project, (OPERATOR,))[OPERATOR]
    request = asking(alone, alone.plain).replace(alone.served.keys[OPERATOR].encode(), text.encode())
    with closing(connected(alone, request, buffer=4096)) as connection:
        total = len(connection.recv(65536))
        keys.revoke(text[4:12], alone.served.project.now())
        until = time.monotonic() + 4
        while time.monotonic() < until:  # slowly, so that it is looked at while it runs
            total += len(connection.recv(65536))
            time.sleep(0.02)
        assert total + read_to_the_end(connection) < SIZE


def test_wrong_keys_are_slowed_down_and_a_good_one_is_served(alone: Alone) -> None:
    def wrong(_: int) -> requests.Response:
        key = f"epk_{secrets.token_hex(36)}"
        return requests.get(f"{alone.served.url}/exports", auth=("API", key), timeout=30)

    ledger = alone.served.project.ledger
    before = len(ledger.audit("denied", "authentication"))
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(wrong, range(30)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) <= 7
    assert statuses.count(401) + statuses.count(429) == 30
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)
    assert requests.get(f"{alone.served.url}/exports", auth=alone.auth, timeout=30).ok
    assert len(ledger.audit("denied", "authentication")) == before + statuses.count(401)


def test_two_processes_are_one_service_and_one_may_be_killed(alone: Alone, tmp_path: Path) -> None:
    folder = alone.served.project.root
    with serving(folder, alone.served.environment) as (url, pid):
        urls = [alone.served.url, url]

        def post(n: int) -> str:
            headers = {"Idempotency-Key": f"alike-{n % KEYS}"}
            body = {**AD_HOC, "end": f"2024-01-{2 + n % KEYS:02}"}
            answer = requests.post(
                f"{urls[n % 2]}/exports", json=body, headers=headers, auth=alone.auth, timeout=90
            )
            assert answer.status_code in (200, 201), answer.text
            return str(answer.json()["run_id"])

        with ThreadPoolExecutor(ALIKE) as threads:
            runs = list(threads.map(post, range(ALIKE)))
        assert len(set(runs)) == KEYS
        path = tmp_path / "file"
        command = ["curl", "-sS", "-u", ":".join(alone.auth), "-C", "-", "-o", str(path)]
        target = alone.url(alone.plain)
        slow = subprocess.Popen([*command, "--limit-rate", "4M", target.replace(alone.served.url, url)])
        while not path.is_file() or path.stat().st_size < 1_000_000:
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        assert slow.wait(30) == 18
    assert path.stat().st_size < SIZE
    subprocess.run([*command, target], check=True, timeout=60)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == alone.plain.parts[0].sha256


def test_a_stop_lets_a_download_end_and_waits_for_no_stalled_one(alone: Alone, tmp_path: Path) -> None:
    folder = alone.served.project.root
    with ExitStack() as stack:
        url, pid = stack.enter_context(serving(folder, alone.served.environment))
        port = int(url.rpartition(":")[2])
        stalled = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
        stalled.sendall(asking(alone, alone.plain))
        command = [
            "curl",
            "-sS",
            "-u",
            ":".join(alone.auth),
            "--limit-rate",
            "12M",
            "-o",
            str(tmp_path / "file"),
        ]
        curl = subprocess.Popen([*command, alone.url(alone.plain).replace(alone.served.url, url)])
        while not (tmp_path / "file").is_file():
            time.sleep(0.02)
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        assert curl.wait(30) == 0
        while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            assert time.monotonic() - began < STOP_S + 20
            time.sleep(0.1)
