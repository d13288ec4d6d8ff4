"""Hostile clients all at once: others are served meanwhile, and memory stays small.

HOSTILE_S=20 is how long (4 seconds), HALF_OPEN=200 how many connections stay half open (30); `--log-cli-level=INFO` shows figures."""

import logging
import os
import secrets
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests
import sqlalchemy as sa

from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.ledger.tables import links
from export_pipelines.service.file_body import SEGMENTS
from export_pipelines_tests.service.serving import STALLED_S, Alone, serving
from export_pipelines_tests.service.test_hardening import (
    HALF_OPEN,
    MOST_MB,
    asking,
    connected,
    memory_mb,
    read_to_the_end,
)

log = logging.getLogger(__name__)

HOSTILE_S = float(os.environ.get("HOSTILE_S", "4"))
SLOW, BYTES_PER_S, WRONG_PER_S, BODY_BYTES = 4, 10, 50, 1_000_000_000
SMALL_BUFFER = 4096
LINKS, UNREAD_S = 10_000, 12  # of an answer of 6 MB; until all of them were asked for


class _Hostile:
    """What is done until `over` is set."""

    def __init__(self, alone: Alone) -> None:
        self.alone, self.over = alone, threading.Event()
        self.answers: Counter[int] = Counter()

    def read_slowly(self) -> None:
        """A sealed file, at so many bytes in a second."""
        request = asking(self.alone, self.alone.sealed)
        with closing(connected(self.alone, request, buffer=SMALL_BUFFER)) as connection, suppress(OSError):
            while not self.over.wait(1) and connection.recv(BYTES_PER_S):
                pass

    def stay_half_open(self) -> None:
        """Connections that begin a request, again as soon as they are closed."""
        begun = [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST /exports HTTP/1.1\r\nContent-Length: 9\r\n"]
        while not self.over.is_set():
            with ExitStack() as stack, suppress(OSError):
                idle: list[socket.socket] = []
                for number in range(HALF_OPEN):
                    idle.append(stack.enter_context(closing(connected(self.alone, begun[number % 3]))))
                while not self.over.is_set() and idle[-1].recv(1):
                    pass

    def send_a_large_body(self) -> None:
        """Of a gigabyte, of which it says nothing before."""
        key = self.alone.served.keys[OPERATOR]
        head = f"POST /exports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
        while not self.over.wait(0.1):  # fewer than the limit of the principal, whose requests others measure
            with closing(connected(self.alone, head.encode())) as connection, suppress(OSError):
                for _ in range(BODY_BYTES // 65536):
                    connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                    if self.over.is_set():
                        break

    def try_keys(self) -> None:
        while not self.over.wait(1 / WRONG_PER_S):
            auth = ("API", f"epk_{secrets.token_hex(36)}")
            with suppress(requests.RequestException):
                answer = requests.get(f"{self.alone.served.url}/exports", auth=auth, timeout=30)
                self.answers[answer.status_code] += 1


@pytest.fixture(scope="module")
def another(alone: Alone) -> Iterator[Alone]:
    """Another process over the same project, whose memory nobody measures."""
    with serving(alone.served.project.root, alone.served.environment) as (url, pid):
        yield replace(alone, served=replace(alone.served, url=url), pid=pid)


@pytest.fixture
def many_links(alone: Alone) -> Iterator[str]:
    """The path of an answer of more bytes than the kernel takes for a connection."""
    engine, artifact, at = alone.served.project.ledger.engine, alone.plain.artifact, datetime.now(UTC)
    row = {"artifact": artifact, "recipient": "r" * 320, "created_by": OPERATOR, "created_at": at}
    row |= {"expires_at": at, "single_use": False, "revoked_at": None}
    with engine.begin() as connection:
        connection.execute(sa.insert(links), [{"id": f"{n:024x}", **row} for n in range(LINKS)])
    yield f"/artifacts/{artifact}/links"
    with engine.begin() as connection:
        connection.execute(sa.delete(links).where(links.c.artifact == artifact))


def test_who_reads_no_answer_takes_no_segment_from_others(another: Alone, many_links: str) -> None:
    """Each asks for a large answer, reads nothing, and then asks for a sealed file."""
    file = asking(another, another.sealed)
    request = file.replace(file.split()[1], many_links.encode()) + file
    with ExitStack() as stack:
        for _ in range(SEGMENTS):
            stack.enter_context(closing(connected(another, request, buffer=SMALL_BUFFER)))
        until = time.monotonic() + UNREAD_S
        while time.monotonic() < until:
            part = another.get(another.sealed, headers={"Range": "bytes=5000000-5000099"})
            assert (part.status_code, len(part.content)) == (206, 100)
            time.sleep(0.1)


def test_who_reads_nothing_of_an_answer_is_cut_off(another: Alone, many_links: str) -> None:
    whole = len(another.served.ask("GET", many_links, OPERATOR).content)
    file = asking(another, another.sealed).split()[1]
    request = asking(another, another.sealed).replace(file, many_links.encode())
    with closing(connected(another, request, buffer=SMALL_BUFFER)) as connection:
        time.sleep(3 * STALLED_S + 4)
        assert read_to_the_end(connection) < whole


def test_others_are_served_while_clients_are_hostile(alone: Alone) -> None:
    hostile = _Hostile(alone)
    works: list[Callable[[], None]] = [hostile.read_slowly] * SLOW
    works += [hostile.stay_half_open, hostile.send_a_large_body, hostile.try_keys]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    seconds, peak = list[float](), 0.0
    try:
        until = time.monotonic() + HOSTILE_S
        while time.monotonic() < until:
            began = time.monotonic()
            listed = alone.served.ask("GET", "/exports", OPERATOR)
            part = alone.get(alone.sealed, headers={"Range": "bytes=5000000-5000099"})
            seconds.append(time.monotonic() - began)
            assert (listed.status_code, part.status_code, len(part.content)) == (200, 206, 100)
            peak = max(peak, memory_mb(alone.pid))
            time.sleep(0.05)
    finally:
        hostile.over.set()
        for thread in threads:
            thread.join(60)
    log.info(
        "%d turns, median %.2f s, longest %.2f s; %.0f MB; wrong keys: %s",
        *(len(seconds), statistics.median(seconds), max(seconds), peak, dict(hostile.answers)),
    )
    # in the suite other tests had the process before, and it keeps some of what they took
    assert peak < (MOST_MB if HOSTILE_S >= 15 else 1.1 * MOST_MB)
    assert set(hostile.answers) <= {401, 429}
    assert hostile.answers.total() > 0
