"""Ctrl-C and SIGTERM for a process that a server keeps waiting."""

import signal
import socket
import time

import pytest

from export_pipelines_tests.preloaded import Process

SIGNS = {signal.SIGINT: 130, signal.SIGTERM: 143}
ENDS_S = 2
# this machine does other things besides; without the program's own end it took as long as the driver waits: 30 to 180
BUSY_S = 13


def interrupt(process: Process, sign: signal.Signals, server: socket.socket, waiting: socket.socket) -> str:
    """What the process said, which waits for an answer at `waiting`: it ends soon, with the code of the sign, and connects to
    `server` no more."""
    time.sleep(0.5)
    sent = time.monotonic()
    process.send_signal(sign)
    _, said = process.communicate(timeout=60)
    took_s = time.monotonic() - sent
    waiting.close()
    assert process.returncode == SIGNS[sign], said
    assert took_s < ENDS_S + BUSY_S
    server.settimeout(1)
    with pytest.raises(TimeoutError):
        server.accept()
    return said
