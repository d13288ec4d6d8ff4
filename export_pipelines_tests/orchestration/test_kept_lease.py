"""The process of a run keeps its lease, and hears at once when it has lost it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.errors import LostRun
from export_pipelines.ledger import RunLeases, open_ledger
from export_pipelines.orchestration.kept_lease import kept_lease

BEAT_S, PATIENCE_S = 0.02, 20.0
RUN = dg.DagsterRun(job_name="daily", run_id="a")
AGAIN = dg.DagsterRun(job_name="daily", run_id="b", root_run_id="a", parent_run_id="a")


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[RunLeases]:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield RunLeases(ledger.engine)
    ledger.engine.dispose()


class Lost:
    """What the process heard of its lease."""

    def __init__(self) -> None:
        self.reason, self.heard = "", threading.Event()

    def __call__(self, reason: str) -> None:
        self.reason = reason
        self.heard.set()


def test_the_lease_lives_as_long_as_the_run_and_ends_with_it(leases: RunLeases) -> None:
    lost = Lost()
    with kept_lease(leases, RUN, lost, BEAT_S) as ours:
        assert ours
        begun = leases.of("a")
        while leases.of("a") == begun:  # until the first heartbeat
            assert not lost.heard.wait(BEAT_S)
        leases.require("a")
    lease = leases.of("a")
    assert lease and lease.ended_at and not lost.heard.is_set()


def test_a_second_message_about_a_run_begins_nothing(leases: RunLeases) -> None:
    with kept_lease(leases, RUN, beat_s=BEAT_S) as ours, kept_lease(leases, RUN, beat_s=BEAT_S) as again:
        assert ours and not again
    with kept_lease(leases, RUN, beat_s=BEAT_S) as late:
        assert not late


def test_a_process_hears_that_another_run_took_its_place(leases: RunLeases) -> None:
    lost = Lost()
    with kept_lease(leases, RUN, lost, BEAT_S):
        with kept_lease(leases, AGAIN, beat_s=BEAT_S) as ours:
            assert ours and lost.heard.wait(PATIENCE_S)
            leases.require("b")
        with pytest.raises(LostRun):
            leases.require("a")
    assert "lost its lease" in lost.reason


def test_a_process_that_cannot_write_its_heartbeat_ends_before_others_end_its_lease(
    leases: RunLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost()

    def unreachable(*_: object) -> None:
        raise OSError("the ledger is away")

    with kept_lease(leases, RUN, lost, BEAT_S, give_up_s=10 * BEAT_S):
        monkeypatch.setattr(RunLeases, "beat", unreachable)
        assert lost.heard.wait(PATIENCE_S)
    assert "no heartbeat" in lost.reason


def test_a_process_whose_heartbeat_hangs_ends_before_others_end_its_lease(
    leases: RunLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a network is cut: nobody answers, and nothing fails."""
    lost, healed = Lost(), threading.Event()
    with kept_lease(leases, RUN, lost, BEAT_S, give_up_s=10 * BEAT_S):
        monkeypatch.setattr(RunLeases, "beat", lambda *_: healed.wait(PATIENCE_S))
        assert lost.heard.wait(PATIENCE_S / 2)
        healed.set()
    assert "no heartbeat" in lost.reason


def test_a_heartbeat_that_failed_once_is_no_loss(leases: RunLeases, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, calls, beat = Lost(), list[str](), RunLeases.beat

    def once_unreachable(self: RunLeases, run_id: str) -> None:
        calls.append(run_id)
        if len(calls) == 1:
            raise OSError("the ledger is away")
        beat(self, run_id)

    monkeypatch.setattr(RunLeases, "beat", once_unreachable)
    with kept_lease(leases, RUN, lost, BEAT_S, give_up_s=PATIENCE_S):
        while len(calls) < 4:
            assert not lost.heard.wait(BEAT_S)
