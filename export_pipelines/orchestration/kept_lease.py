"""The lease of a run, kept by the process that executes it: a heartbeat every few seconds, and an end at once when it is lost."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
    over = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(leases, run.run_id, over, lost, beat_s, give_up_s), name="lease", daemon=True
    )
    keeper.start()
    try:
        yield True
    finally:
        over.set()
        with suppress(Exception):  # an unreachable ledger: the lease ends by its age
            leases.end(run.run_id)


def _keep(
    leases: RunLeases,
    run_id: str,
    over: threading.Event,
    lost: Callable[[str], None],
    beat_s: float,
    give_up_s: float,
) -> None:
    heard = time.monotonic()
    while not over.wait(beat_s):
        begun = time.monotonic()
        try:
            leases.beat(run_id)
            heard = begun
        except LostRun as error:
            if not over.is_set():
                lost(str(error))
            return
        except Exception as error:
            log.warning("no heartbeat could be written", extra={"error": type(error).__name__})
            if time.monotonic() - heard > give_up_s:
                lost(f"{run_id}: no heartbeat could be written for {give_up_s:.0f} s")
                return
