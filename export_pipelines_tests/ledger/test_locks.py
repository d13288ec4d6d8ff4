"""Locks of the ledger that are held together."""

import threading
import time

import pytest

from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines_servers.databases import new_database

MANY = [f"destination {number}" for number in range(40)]  # more than a pool has connections


def test_all_that_are_free_are_held_until_the_end(ledger: Ledger) -> None:
    with ledger.locks.hold("b") as ours, ledger.locks.hold_all(["c", "b", "a"]) as acquired:
        assert ours and acquired == {"a", "c"}
        for lock_key in "abc":
            with ledger.locks.hold(lock_key) as free:
                assert not free
    with ledger.locks.hold_all("abc") as acquired:
        assert acquired == {"a", "b", "c"}


def test_many_are_held_at_once(ledger: Ledger) -> None:
    with ledger.locks.hold_all(MANY) as acquired, ledger.locks.hold(MANY[-1]) as free:
        assert acquired == set(MANY) and not free


def test_a_lock_may_have_a_long_name(ledger: Ledger) -> None:
    name = f"write {'x' * 200}/2024-01-15/20240116T020000Z-0a1b2c"
    for lock_key in (name, "ß" * 120):
        with ledger.locks.hold(lock_key) as ours, ledger.locks.hold(lock_key) as free:
            assert ours and not free


def test_who_waits_says_so_and_gets_it(ledger: Ledger) -> None:
    holds, awaited = threading.Event(), list[str]()

    def hold_briefly() -> None:
        with ledger.locks.hold("a"):
            holds.set()
            time.sleep(0.5)

    thread = threading.Thread(target=hold_briefly)
    thread.start()
    holds.wait(10)
    with ledger.locks.hold_all("ab", 30, awaited.append) as acquired:
        assert acquired == {"a", "b"} and awaited == ["a"]
    thread.join()


def test_a_server_that_is_gone_while_somebody_waits_is_told(postgresql_url: str) -> None:
    url = new_database(postgresql_url, "waits_for_lock")
    ledger, other = open_ledger(url), open_ledger(url)

    def end_connections(_: str) -> None:
        with other.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with (
        other.locks.hold("a"),
        pytest.raises(LedgerSilent),
        ledger.locks.hold_all("a", 30, end_connections),
    ):
        pass
    for each in (ledger, other):
        each.engine.dispose()


def test_the_wait_ends(ledger: Ledger) -> None:
    began = time.monotonic()
    with ledger.locks.hold("a"), ledger.locks.hold("b"), ledger.locks.hold_all("abc", 0.3) as acquired:
        assert acquired == {"c"}
    assert 0.3 <= time.monotonic() - began < 10
