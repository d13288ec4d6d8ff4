"""Ctrl-C and SIGTERM: which of the two came, and an end within two seconds also where a driver or a server lets nobody go.

A signal's Python handler waits for the main thread, which may wait for a driver in C. So the signal is heard by a thread of
its own, over the descriptor that Python writes its number to at once, whoever's handler is set."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

GRACE_S = 1.2  # to end by itself
RECORD_S = 0.6  # to write down that it did not
HEARD_S = 0.2
SHELL = 128  # and the signal's number, as a shell says
INTERRUPTED = SHELL + signal.SIGINT

Call = Callable[[], object]


class Interrupted(KeyboardInterrupt):
    """A run was interrupted, and its records say so."""


class _Hearing:
    """What this process heard; `blocks` are those that have to end soon, with what records it; `cancels` let drivers go."""

    def __init__(self) -> None:
        self.signal, self.heard = 0, threading.Event()
        self.ears: tuple[socket.socket, socket.socket] | None = None
        self.blocks: list[tuple[threading.Event, Call]] = []
        self.cancels: list[Call] = []


_hearing = _Hearing()


def _deafen() -> None:
    """A forked child would tell its own signals to its parent's thread."""
    if _hearing.ears is not None:
        signal.set_wakeup_fd(-1)
        vars(_hearing).update(vars(_Hearing()))


os.register_at_fork(after_in_child=_deafen)


def hear() -> None:
    """From now on signals are heard, those too that whoever started the process let it ignore, and SIGTERM is raised like
    Ctrl-C where nobody else takes it; does nothing the second time, and in a thread that is not the main one."""
    if _hearing.ears is not None or threading.current_thread() is not threading.main_thread():
        return
    _hearing.ears = ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # as in the background of a script: Dagster gives SIGTERM whatever SIGINT has, and nothing would end the process
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN):
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_listen, args=(ear,), name="interrupts", daemon=True).start()


def exit_code() -> int:
    """130 or 143, by the signal that came; 130 where none was heard. The process may end with it."""
    # after an interrupt that passed through exec(text), as when dataclasses are made, `python -m` ends by SIGINT, whatever
    # code it was given, until text is executed anew
    exec("")  # noqa: S102
    _hearing.heard.wait(HEARD_S if _hearing.ears else 0)
    return SHELL + _hearing.signal if _hearing.signal else INTERRUPTED


def is_interrupted() -> bool:
    """Whether an interrupt was heard; nothing more is to be begun then."""
    return _hearing.heard.is_set()


@contextmanager
def ends_soon(record: Call) -> Iterator[None]:
    """Of an interrupt that comes in the block, the process is gone within two seconds: where the block does not end by
    itself, `record` is called, in another thread, and the process ends without another word to anybody."""
    hear()
    if not _hearing.blocks:  # what was heard before, as in a notebook, ended another run
        _hearing.signal = 0
        _hearing.heard.clear()
    block = threading.Event(), record
    _hearing.blocks.append(block)
    try:
        yield
    finally:
        block[0].set()
        _hearing.blocks.remove(block)


@contextmanager
def cancelled_by(cancel: Call) -> Iterator[None]:
    """`cancel` is called, in another thread, when an interrupt comes in the block: it makes the driver give up."""
    _hearing.cancels.append(cancel)
    try:
        yield
    finally:
        _hearing.cancels.remove(cancel)


def _listen(ear: socket.socket) -> None:
    while heard := ear.recv(1):
        if heard[0] in (signal.SIGINT, signal.SIGTERM):
            _hearing.signal = heard[0]
            _hearing.heard.set()
            threading.Thread(target=_end_soon, daemon=True).start()


def _end_soon() -> None:
    blocks = list(_hearing.blocks)
    for cancel in list(_hearing.cancels):
        threading.Thread(target=_quietly, args=(cancel,), daemon=True).start()
    for ended, record in reversed(blocks):
        if not ended.wait(GRACE_S):
            recorder = threading.Thread(target=_quietly, args=(record,), daemon=True)
            recorder.start()
            recorder.join(RECORD_S)
            with suppress(OSError):
                os.write(
                    sys.__stderr__.fileno() if sys.__stderr__ else 2,
                    b"\nerror: interrupted; nothing more was done\n",
                )
            os._exit(SHELL + _hearing.signal)


def _quietly(call: Call) -> None:
    with suppress(Exception):
        call()
