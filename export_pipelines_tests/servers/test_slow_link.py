"""The link of a benchmark lets so many bytes through, whoever asks."""

import socket
import threading
import time

from export_pipelines_servers.slow_link import slow_link

SIZE, BYTES_PER_SECOND = 20_000, 40_000.0


def test_two_connections_share_the_bandwidth_of_a_link() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, 2), daemon=True).start()
        with slow_link("127.0.0.1", server.getsockname()[1], BYTES_PER_SECOND) as link:
            began = time.monotonic()
            callers = [socket.create_connection((link.host, link.port)) for _ in range(2)]
            for caller in callers:
                caller.sendall(b"all")
            sizes = [len(_received(caller)) for caller in callers]
            seconds = time.monotonic() - began
    assert sizes == [SIZE, SIZE] and link.passed == 2 * SIZE
    assert seconds >= 2 * SIZE / BYTES_PER_SECOND


def _answer(server: socket.socket, callers: int) -> None:
    for _ in range(callers):
        caller, _ = server.accept()
        with caller:
            caller.recv(100)
            caller.sendall(b"x" * SIZE)


def _received(caller: socket.socket) -> bytes:
    with caller:
        data = b""
        while piece := caller.recv(4096):
            data += piece
        return data
