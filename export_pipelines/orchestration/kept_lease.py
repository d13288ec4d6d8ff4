"""The lease of a run, kept by the process that executes it: a heartbeat every few seconds, and an end at once when it is lost."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

import dagster as dg

from export_pipelines.errors import LostRun
from export_pipelines.ledger import RunLeases, ledger_of
from export_pipelines.ledger.run_leases import BEAT_S, GIVE_UP_S
from export_pipelines.settings import Settings, project_root

log = logging.getLogger(__name__)

LOST = 75  # exit code of a process that lost its lease: EX_TEMPFAIL


@cache
def leases_of_process() -> RunLeases:
    """The leases in the ledger that this process's environment names. Raises SettingsError."""
    return RunLeases(ledger_of(Settings.load(os.environ, project_root(os.environ))).engine)


def end_process(reason: str) -> None:
    """Without another word to anybody: what is written or sent from now on would be that of a second run."""
    with suppress(OSError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"\nerror: {reason}\n".encode())
    os._exit(LOST)


@contextmanager
def kept_lease(
    leases: RunLeases,
    run: dg.DagsterRun,
    lost: Callable[[str], None] = end_process,
    beat_s: float = BEAT_S,
    give_up_s: float = GIVE_UP_S,
) -> Iterator[bool]:
    """Yields whether this process may execute the run. `lost` is called, in another thread, when the lease has ended, or
    when no heartbeat could be written for so long that others may end it."""
    holder = f"{socket.gethostname()}:{os.getpid()}"
    if leases.take(run.run_id, run.root_run_id or run.run_id, holder) is None:
        yield False
        return
    keeper = _Keeper(leases, run.run_id, lost, beat_s, give_up_s)
    for work in (keeper.beat, keeper.watch):
        threading.Thread(target=work, name="lease", daemon=True).start()
    try:
        yield True
    finally:
        keeper.over.set()
        with suppress(Exception):  # an unreachable ledger: the lease ends by its age
            leases.end(run.run_id)


@dataclass
class _Keeper:
    """`heard` is when the last heartbeat began that was written. Whoever writes it may hang for as long as a network is cut, so
    another thread looks at the clock."""

    leases: RunLeases
    run_id: str
    lost: Callable[[str], None]
    beat_s: float
    give_up_s: float
    over: threading.Event = field(default_factory=threading.Event)
    heard: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        while not self.over.wait(self.beat_s):
            begun = time.monotonic()
            try:
                self.leases.beat(self.run_id)
                self.heard = begun
            except LostRun as error:
                if not self.over.is_set():
                    self.lost(str(error))
                return
            except Exception as error:
                log.warning("no heartbeat could be written", extra={"error": type(error).__name__})

    def watch(self) -> None:
        while not self.over.wait(self.beat_s / 5):
            if time.monotonic() - self.heard > self.give_up_s:
                self.lost(f"{self.run_id}: no heartbeat could be written for {self.give_up_s:.0f} s")
                return
