"""kill -9 at random moments of a delivery, at each destination: the next attempt completes it, nothing half, nothing twice.

KILLS=20 in the environment kills at so many moments instead of three."""

import os
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.errors import Uncertain
from export_pipelines_servers.receivers import REMOTE, Receiver, RemoteReceiver
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.preloaded import forking

MOMENTS = int(os.environ.get("KILLS", "3"))
LARGE = {"s3": 9 << 20, "email": 200_000}  # two pieces of an upload; what a mail is parsed from in no time
KILLABLE = ("folder", *REMOTE)


def files_of(number: int, kind: str) -> dict[str, bytes]:
    """No two of any number are equal."""
    large = random.Random(number).randbytes(LARGE.get(kind, 2 << 20) // 64) * 64
    return {"a.csv": b"a\n%d\n" % number, "b.bin": large, f"c_{number % 3}.csv": b"c\n%d\n" % number}


def attempt(home: Path, environment: dict[str, str], at: datetime, delivery: Any, told: Connection) -> None:
    """In a process of its own: says when it begins and when it is done."""
    desk = Desk(home, environment, at)
    manifest, entry = desk.store.manifest(delivery[0]), delivery[1]
    told.send("begins")
    desk.send(manifest, entry)
    told.send("done")


def killed_attempt(desk: Desk, artifact: str, entry: Any, number: int, takes_s: float) -> float:
    """An attempt, killed at a moment that `number` chooses of the `takes_s` that it takes; number 0 is killed when it is done.
    Returns how long an attempt takes."""
    context = forking()
    receiving, sending = context.Pipe(duplex=False)
    arguments = (desk.home, dict(desk.environment), desk.at, (artifact, entry), sending)
    process = context.Process(target=attempt, args=arguments)
    process.start()
    assert receiving.recv() == "begins"
    start = time.monotonic()
    if number == 0:
        assert receiving.recv() == "done"
        takes_s = time.monotonic() - start
    else:
        time.sleep(takes_s * random.Random(number).random())
    process.kill()
    process.join()
    return takes_s


@pytest.fixture(params=KILLABLE)
def receiver(request: pytest.FixtureRequest, open_receiver: Callable[[str], Receiver]) -> Receiver:
    return open_receiver(request.param)


def test_a_killed_delivery_is_completed_by_the_next_attempt(desk: Desk, receiver: Receiver) -> None:
    entry = receiver.entry()
    whole, takes_s, killed = set[bytes](), 0.0, 0
    for number in range(5 * MOMENTS):
        if number > MOMENTS and killed >= max(1, MOMENTS // 5):
            break
        desk.at = AT + timedelta(days=number)
        files = files_of(number, entry["kind"])
        whole |= set(files.values())
        made = stored(desk.store, files, token=f"{desk.at:%Y%m%dT%H%M%SZ}-0a1b2c", at=desk.at)
        takes_s = killed_attempt(desk, made.artifact, entry, number, takes_s)
        killed += [delivery.state for delivery in desk.ledger.deliveries(artifact=made.artifact)] != [
            "delivered"
        ]
        for name, data in receiver.arrived().items():
            assert name.endswith(".manifest.json") or data in whole, name
        complete(desk, made, entry, receiver, files)
    assert killed >= max(1, MOMENTS // 5), "the moments came too late"


def complete(desk: Desk, made: Any, entry: Any, receiver: Receiver, files: dict[str, bytes]) -> None:
    """The next attempt, an hour later."""
    desk.at += timedelta(hours=1)
    try:
        desk.send(made, entry)
    except Uncertain:  # the one that cannot ask: it says so, and does nothing of its own
        assert entry["kind"] == "email"
        assert times(receiver, files) <= 1
        return
    arrived = receiver.arrived()
    assert {name: arrived[name] for name in files} == files
    assert receiver.debris() == []
    assert times(receiver, files) == 1


def times(receiver: Receiver | RemoteReceiver, files: dict[str, bytes]) -> int:
    if hasattr(receiver, "times"):
        found: int = receiver.times(files)
        return found
    return 1 if set(receiver.arrived()) == {*files, "daily.manifest.json"} else 2
