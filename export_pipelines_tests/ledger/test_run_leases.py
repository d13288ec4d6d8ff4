"""Leases of runs: one holder a run, one living run a root, and no word in the ledger from who has lost it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa

from export_pipelines.errors import LostRun
from export_pipelines.ledger import LeaseCounts, Ledger, RunLeases
from export_pipelines.ledger.run_leases import KEPT, LEASE, run_leases
from export_pipelines_tests.artifacts.build import AT, manifest_of
from export_pipelines_tests.ledger.attempts import ENTRY, at, due, receipt_of

SECOND = timedelta(seconds=1)


@dataclass
class Leases:
    """The leases of a ledger; `age` makes one older, whatever clock it is by."""

    ledger: Ledger

    @property
    def leases(self) -> RunLeases:
        return RunLeases(self.ledger.engine)

    def age(self, run_id: str, by: timedelta) -> None:
        lease = self.leases.of(run_id)
        assert lease
        with self.ledger.engine.begin() as connection:
            mine = run_leases.c.run_id == run_id
            connection.execute(sa.update(run_leases).where(mine).values(seen_at=lease.seen_at - by))


@pytest.fixture
def aging(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Leases:
    """The server of these tests has just started, which would make every heartbeat young."""
    monkeypatch.setattr(sa.func, "pg_postmaster_start_time", lambda: sa.func.to_timestamp(0), raising=False)
    return Leases(ledger)


def test_a_run_has_one_holder_and_a_second_message_about_it_none(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    lease = leases.take("a", "a", "host:1")
    assert lease and (lease.number, lease.holder, lease.ended_at) == (1, "host:1", None)
    assert leases.take("a", "a", "host:2") is None
    leases.end("a")
    assert leases.take("a", "a", "host:2") is None  # it has run


def test_of_twenty_who_ask_for_a_run_one_gets_it(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: leases.take("a", "a", f"host:{n}"), range(20)))
    assert sum(answer is not None for answer in answers) == 1


def test_a_run_that_was_asked_for_again_ends_the_lease_of_the_one_before(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    leases.take("a", "a", "host:1")
    again = leases.take("b", "a", "host:2")
    assert again and again.number == 2
    leases.require("b")
    with pytest.raises(LostRun):
        leases.require("a")
    with pytest.raises(LostRun):
        leases.beat("a")


def test_only_a_lease_without_heartbeats_is_over(aging: Leases) -> None:
    leases = aging.leases
    for run_id in ("living", "dead"):
        leases.take(run_id, run_id, "host:1")
        aging.age(run_id, LEASE + SECOND)
    leases.beat("living")
    assert [lease.run_id for lease in leases.over()] == ["dead"]
    assert not leases.expire("living") and leases.expire("dead")
    assert leases.over() == [] and not leases.expire("dead")
    leases.require("living")
    with pytest.raises(LostRun):
        leases.require("dead")


def test_a_heartbeat_that_comes_before_the_end_keeps_the_lease(aging: Leases) -> None:
    leases = aging.leases
    leases.take("a", "a", "host:1")
    aging.age("a", LEASE + SECOND)
    (lease,) = leases.over()
    leases.beat("a")
    assert not leases.expire(lease.run_id)


def test_after_a_start_of_postgresql_holders_have_the_time_of_a_lease_to_be_heard_of(ledger: Ledger) -> None:
    aging = Leases(ledger)
    aging.leases.take("a", "a", "host:1")
    aging.age("a", LEASE + SECOND)
    with ledger.engine.begin() as connection:
        if connection.dialect.name != "postgresql":
            pytest.skip("SQLite is no server that could have been down")
        up = connection.scalar(sa.text("SELECT now() - pg_postmaster_start_time()"))
    assert bool(aging.leases.over()) == (up > LEASE)


def test_who_has_lost_the_lease_registers_no_artifact(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    leases.take("a", "a", "host:1")
    leases.take("b", "a", "host:2")
    with pytest.raises(LostRun):
        ledger.register(manifest_of(), [ENTRY], "a", AT)
    assert ledger.deliveries() == [] and ledger.windows("daily") == []
    assert len(ledger.register(manifest_of(), [ENTRY], "b", AT)) == 1


def test_who_has_lost_the_lease_begins_no_delivery(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    (id,) = due(ledger)
    leases.take("a", "a", "host:1")
    leases.end("a")
    with pytest.raises(LostRun), ledger.claim(id, at(), "a"):
        raise AssertionError("the attempt began")
    assert ledger.delivery(id).state == "due" and ledger.attempts(id) == []
    leases.take("b", "a", "host:2")
    with ledger.claim(id, at(), "b") as attempt:
        attempt.receipt = receipt_of(manifest_of())
    assert ledger.delivery(id).state == "delivered"


def test_a_delivery_that_had_begun_is_recorded_though_the_lease_was_lost_meanwhile(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    (id,) = due(ledger)
    leases.take("a", "a", "host:1")
    with ledger.claim(id, at(), "a") as attempt:
        leases.take("b", "a", "host:2")
        attempt.receipt = receipt_of(manifest_of())
    assert ledger.delivery(id).state == "delivered"


def test_a_run_without_a_lease_has_none_to_lose(ledger: Ledger) -> None:
    RunLeases(ledger.engine).require("of the terminal")
    assert len(ledger.register(manifest_of(), [ENTRY], "of the terminal", AT)) == 1


def test_leases_are_counted_by_whether_they_live(aging: Leases) -> None:
    leases = aging.leases
    for run_id, root in (("a", "a"), ("b", "a"), ("c", "c"), ("d", "d")):
        leases.take(run_id, root, "host:1")
    leases.end("d")
    aging.age("c", LEASE + SECOND)
    assert leases.counts() == LeaseCounts(live=1, overdue=1, again=1)


def test_leases_that_ended_long_ago_are_forgotten_by_roots(aging: Leases) -> None:
    leases = aging.leases
    for run_id, root in (("old", "old"), ("lost", "root"), ("again", "root"), ("lives", "lives")):
        leases.take(run_id, root, "host:1")
    leases.end("old")
    leases.end("again")
    assert leases.forget() == 0
    with aging.ledger.engine.begin() as connection:
        long_ago = sa.update(run_leases).where(run_leases.c.run_id.in_(("old", "lost")))
        connection.execute(long_ago.values(ended_at=leases.now() - KEPT - SECOND))
    assert leases.forget() == 1
    assert leases.of("old") is None and leases.of("lives")
    third = leases.take(
        "third", "root", "host:2"
    )  # of a root whose run of today is kept, the earlier ones number it
    assert third and third.number == 3
