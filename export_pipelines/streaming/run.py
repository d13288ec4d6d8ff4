"""Runs a stream under its lease: whoever has it sends, whoever waits for it takes over at a batch's end."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from export_pipelines.errors import RequestError, RetryableError
from export_pipelines.ledger.streams import Lease
from export_pipelines.run.memory import choose_memory
from export_pipelines.streaming.horizon import Position, Start
from export_pipelines.streaming.observer import StreamObserver
from export_pipelines.streaming.prepare import Prepared, StreamContext
from export_pipelines.streaming.runner import End, Reprepare, Runner
from export_pipelines.streaming.sender import Sender

T = TypeVar("T")

TAKE_OVER_S = 120.0  # for a batch to end
LOOK_S = 0.2


def holder_name() -> str:
    """This process, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_stream(
    prepared: Prepared,
    reprepare: Reprepare,
    context: StreamContext,
    observer: StreamObserver | None = None,
    take_over: bool = False,
    until_caught_up: bool = False,
    begun: Callable[[Runner], None] = lambda runner: None,
) -> End:
    """Runs the stream until it is stopped, paused, handed over or, where that is asked, caught up; gives the reason.

    `begun` gets the runner, to stop it. Raises RequestError for one that is paused, or that another process runs and that is
    not to be taken over.
    """
    name = prepared.definition.name
    state = context.streams.state(name)
    if state.paused_at is not None:
        raise RequestError(
            f"the stream was paused by {state.paused_by} at {state.paused_at:%Y-%m-%d %H:%M} UTC",
            where=name,
            remedy=f"export-pipelines stream resume {name}",
        )

    def run(lease: Lease) -> End:
        runner = Runner(prepared, lease, context, observer, reprepare, until_caught_up)
        begun(runner)
        return runner.run()

    return with_lease(name, context, run, take_over)


def restart_stream(
    prepared: Prepared, context: StreamContext, start: Start, release: Callable[[Position], object]
) -> None:
    """Begins anew at `start`, whatever the cursor says; see `Sender.restart`. Raises RequestError while another process runs it."""

    def run(lease: Lease) -> None:
        sender = Sender(prepared, lease, context, lambda: True)
        try:
            sender.restart(start, release)
        finally:
            sender.close()

    with_lease(prepared.definition.name, context, run)


def with_lease(name: str, context: StreamContext, run: Callable[[Lease], T], take_over: bool = False) -> T:
    """What `run` gives under the lease of the stream `name`."""
    choose_memory()
    streams, holder = context.streams, holder_name()
    deadline = time.monotonic() + TAKE_OVER_S
    try:
        while True:
            with streams.lease(name, holder, context.now()) as lease:
                if lease is not None:
                    return run(lease)
            if not take_over:
                state = streams.state(name)
                raise RequestError(
                    f"{state.holder or 'another process'} runs the stream already",
                    where=name,
                    remedy="one runs at a time; --take-over asks it to hand over at a batch's end",
                )
            if time.monotonic() > deadline:
                raise RetryableError("the stream was not handed over", where=name, remedy="try again")
            streams.want(name, holder)
            time.sleep(LOOK_S)
    finally:
        streams.want_no_more(name, holder)  # else the holder would hand over to nobody


def replay(
    prepared: Prepared,
    reprepare: Reprepare,
    context: StreamContext,
    start: datetime,
    observer: StreamObserver | None = None,
) -> End:
    """Sends the rows from `start` on once more, up to what is there now, as a stream of its own name and sequence: the cursor
    of the stream itself stays."""
    at = context.now()
    name = f"{prepared.definition.name}_replay_{at:%Y%m%dT%H%M%SZ}".lower()

    def again(fresh: Prepared | None) -> Prepared | None:
        return replace(fresh, replay=name) if fresh else None

    def run(lease: Lease) -> End:
        first = replace(prepared, replay=name)
        runner = Runner(first, lease, context, observer, lambda: again(reprepare()), until_caught_up=True)
        return runner.run(start)

    return with_lease(name, context, run)
