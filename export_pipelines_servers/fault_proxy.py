"""A way to a server on which things go wrong: cut, stalled, reset, refused, slow."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 16_384
BROKEN = ("cut", "reset", "stall", "answer")
RESET = struct.pack("ii", 1, 0)


@dataclass
class Fault:
    """What happens to connections, `times` times; after that they pass.

    times: is counted down as the fault happens.
    kind:  `cut` closes and `reset` resets after `after` bytes that the client sent, `stall` passes nothing on after them,
    `flip` changes one bit after them, `answer` says `text` instead of the server, `slow` waits before each piece,
    `lost` closes in place of the server's next answer, `refuse` closes at once, `pass` does nothing.
    stall_s: when a stalled connection is closed.
    """

    kind: str = "pass"
    after: int = 0
    times: int = 1
    text: str = ""
    stall_s: float = 60.0

    def happens(self) -> bool:
        self.times -= 1
        return self.times >= 0


@dataclass
class FaultProxy:
    port: int
    fault: Fault = field(default_factory=Fault)
    connections: int = 0


@contextmanager
def fault_proxy(server_port: int) -> Iterator[FaultProxy]:
    """A proxy on loopback in front of the server on `server_port`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        proxy, ended = FaultProxy(listener.getsockname()[1]), threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    client, _ = listener.accept()
                    proxy.connections += 1
                    threading.Thread(target=_carry, args=(client, proxy.fault, ended), daemon=True).start()

        def _carry(client: socket.socket, fault: Fault, ended: threading.Event) -> None:
            if fault.kind == "refuse" and fault.happens():
                _close(client, reset=True)
                return
            server = socket.create_connection(("127.0.0.1", server_port))
            for end in (client, server):  # what it passes on in pieces arrives at once
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_forward, args=(server, client, fault), daemon=True).start()
            _carry_up(client, server, fault, ended)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield proxy
        finally:
            ended.set()
            thread.join()


def _carry_up(client: socket.socket, server: socket.socket, fault: Fault, ended: threading.Event) -> None:
    """What the client sends, until the fault happens."""
    sent, reset = 0, False
    with suppress(OSError):
        while data := client.recv(CHUNK):
            if fault.kind in BROKEN and sent + len(data) > fault.after and fault.happens():
                reset = fault.kind == "reset"
                server.sendall(data[: fault.after - sent])
                if fault.kind == "stall":
                    ended.wait(fault.stall_s)
                if fault.kind == "answer":
                    client.sendall(fault.text.encode())
                break
            if fault.kind == "flip" and sent + len(data) > fault.after and fault.happens():
                data = _flipped(data, fault.after - sent)
            if fault.kind == "slow" and fault.happens():
                time.sleep(0.002)
            server.sendall(data)
            sent += len(data)
    _close(server, reset=False)
    _close(client, reset=reset)


def _flipped(data: bytes, at: int) -> bytes:
    at = max(at, 0)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _forward(taken: socket.socket, target: socket.socket, fault: Fault) -> None:
    with suppress(OSError):
        while data := taken.recv(CHUNK):
            if fault.kind == "lost" and fault.happens():
                break
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR if fault.kind == "lost" else socket.SHUT_WR)


def _close(end: socket.socket, reset: bool) -> None:
    with suppress(OSError):
        if reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:
            end.shutdown(socket.SHUT_RDWR)
    end.close()
