"""Deliveries that another process begins while an artifact is erased leave no copy of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.erasure.erase import Eraser
from export_pipelines.errors import RequestError, RetryableError
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.delivery.desk import Desk

ENTRY: StoredEntry = {"kind": "folder", "settings": {"path": "x", "overwrite": "replace"}}
OTHER: StoredEntry = {"kind": "folder", "settings": {"path": "y", "overwrite": "replace"}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


@pytest.fixture
def artifact(desk: Desk) -> Manifest:
    """Written by a run, and delivered."""
    manifest = stored(desk.store)
    desk.ledger.register(manifest, [ENTRY], "run", AT)
    desk.send(manifest, ENTRY)
    return manifest


def eraser_of(desk: Desk, forget_run: Callable[[str], None] | None = None) -> Eraser:
    ledger = desk.ledger
    store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
    return Eraser(store, ledger, "ana", lambda: AT, desk.resources, forget_run)


def copies(desk: Desk) -> list[str]:
    return [path.name for path in (desk.home / "delivered").rglob("*") if path.is_file()]


def test_no_copy_is_begun_between_the_look_and_the_removal(desk: Desk, artifact: Manifest) -> None:
    def send_again(run: str) -> None:
        with pytest.raises(RetryableError, match="delivers or erases it"):
            desk.send(artifact, ENTRY, again=True)

    assert copies(desk)
    assert eraser_of(desk, send_again).erase(artifact.artifact, {"why": "artifact"}).is_complete
    assert copies(desk) == []
    with pytest.raises(RequestError, match="it was erased"):
        desk.send(artifact, ENTRY, again=True)


def test_a_copy_for_a_destination_that_was_named_meanwhile_is_taken_back(
    desk: Desk, artifact: Manifest
) -> None:
    def send_elsewhere(run: str) -> None:
        desk.send(artifact, OTHER)
        assert copies(desk)

    erasure = eraser_of(desk, send_elsewhere).erase(artifact.artifact, {"why": "artifact"})
    assert erasure.is_complete and len(erasure.copies) == 2
    assert copies(desk) == []


def test_a_copy_whose_delivery_was_withdrawn_when_it_was_sent_again_is_taken_back(
    desk: Desk, artifact: Manifest
) -> None:
    ledger, delivery = desk.ledger, desk.due(artifact, ENTRY)
    with pytest.raises(RequestError), ledger.claim(delivery, lambda: AT, again=True):
        raise RequestError("no such folder")
    desk.due(artifact, OTHER)  # the export names another destination now
    assert ledger.delivery(delivery).state == "withdrawn"
    assert eraser_of(desk).erase(artifact.artifact, {"why": "artifact"}).is_complete
    assert copies(desk) == []


def test_an_erasure_waits_for_a_delivery_and_says_so(desk: Desk, artifact: Manifest) -> None:
    sends, awaited = threading.Event(), list[str]()
    ledger, delivery = desk.ledger, desk.due(artifact, ENTRY)

    def send() -> None:
        with ledger.locks.hold(ledger.delivery(delivery).lock_key):
            sends.set()
            time.sleep(0.5)

    thread = threading.Thread(target=send)
    thread.start()
    sends.wait(10)
    eraser = Eraser(
        eraser_of(desk).store,
        ledger,
        "ana",
        lambda: AT,
        desk.resources,
        wait_s=30,
        waiting=lambda delivery: awaited.append(delivery.id),
    )
    assert eraser.erase(artifact.artifact, {"why": "artifact"}).is_complete
    thread.join()
    assert awaited == [delivery] and copies(desk) == []


@dataclass
class ServerDesk(Desk):
    """A desk whose ledger is in PostgreSQL."""

    url: str = ""

    @cached_property
    def ledger(self) -> Ledger:
        return open_ledger(self.url)


def test_a_copy_that_was_begun_when_the_locks_were_lost_is_taken_back(
    tmp_path: Path, postgresql_url: str
) -> None:
    """The locks of PostgreSQL end with the connection that holds them."""
    url = new_database(postgresql_url, "erase_lost_locks")
    desk, other = (ServerDesk(tmp_path / "home", url=url) for _ in range(2))
    manifest = stored(desk.store)
    desk.ledger.register(manifest, [ENTRY], "run", AT)
    desk.send(manifest, ENTRY)

    def send_again(run: str) -> None:
        with other.ledger.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        other.send(manifest, ENTRY, again=True)
        assert copies(desk)

    assert eraser_of(desk, send_again).erase(manifest.artifact, {"why": "artifact"}).is_complete
    assert copies(desk) == []
    for each in (desk, other):
        each.ledger.engine.dispose()
