"""Deliveries in the ledger: attempts, waits, claims, and what takes the place of what."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import RequestError, RetryableError, Uncertain
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.plan.window import WHOLE
from export_pipelines_tests.artifacts.build import AT, child_environment, manifest_of
from export_pipelines_tests.ledger.attempts import (
    ENTRY,
    HOUR,
    OTHER_ENTRY,
    SECRET,
    at,
    deliver,
    due,
    receipt_of,
)
from export_pipelines_tests.preloaded import Process

LATER = "20240117T020000Z-0a1b2c"


def fail(ledger: Ledger, id: str, error: BaseException, moment: datetime = AT) -> None:
    with pytest.raises(type(error)), ledger.claim(id, at(moment)):
        raise error


def test_a_delivery_ends_with_its_receipt_and_is_not_made_again(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    assert deliver(ledger, id, made)
    assert not deliver(ledger, id, made)
    row = ledger.delivery(id)
    assert (row.state, row.attempts, row.receipt, row.ended_at) == ("delivered", 1, receipt_of(made), AT)


def test_again_sends_what_arrived_and_begins_the_journal_anew(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    with ledger.claim(id, at()) as attempt:
        attempt.handing("1/1")
        attempt.done("1/1", "250 ok")
        assert (attempt.state("1/1"), attempt.proof("1/1"), attempt.state("2")) == ("done", "250 ok", None)
        attempt.receipt = receipt_of(made)
    with ledger.claim(id, at(AT + HOUR), again=True) as attempt:
        assert attempt.receipt is None and attempt.state("1/1") is None
        attempt.receipt = receipt_of(made)
    assert ledger.delivery(id).attempts == 2


def test_what_an_attempt_places_is_known_before_it_is_there(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    with ledger.claim(id, at()) as attempt:
        for _ in range(2):  # as by an attempt that is made again
            attempt.placing("folder", made.export, {"a.csv": "1", "b.csv": "2"})
        assert sorted(attempt.placed("folder")) == [("a.csv", "1", made.export), ("b.csv", "2", made.export)]
        attempt.receipt = receipt_of(made)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RetryableError("timed out"), "retrying"),
        (RequestError("wrong password"), "failed"),
        (Uncertain("no answer"), "uncertain"),
        (RuntimeError(SECRET), "retrying"),
    ],
)
def test_a_failure_is_sorted_by_its_kind_and_written_down(
    ledger: Ledger, error: Exception, state: str
) -> None:
    (id,) = due(ledger)
    fail(ledger, id, error)
    row = ledger.delivery(id)
    (attempt,) = ledger.attempts(id)
    assert (row.state, attempt["outcome"], row.error) == (state, state, attempt["error"])
    assert SECRET not in str(row.error)
    assert (row.next_at is not None) == (state == "retrying")


def test_waits_grow_to_eight_hours_and_end_after_a_day(ledger: Ledger) -> None:
    (id,) = due(ledger)
    moment, waits = AT, []
    while True:
        fail(ledger, id, RetryableError("refused"), moment)
        next_at = ledger.delivery(id).next_at
        if next_at is None:
            break
        waits.append((next_at - moment) / timedelta(minutes=1))
        moment = next_at
    assert ledger.delivery(id).state == "failed"
    assert moment - AT <= timedelta(hours=24)
    assert all(later > earlier * 0.8 for earlier, later in pairwise(waits))  # they differ by chance
    assert waits[0] < 2 and waits[-1] > 300 and len(waits) >= 8


def test_who_asks_to_be_left_alone_is_left_alone(ledger: Ledger) -> None:
    (id,) = due(ledger)
    fail(ledger, id, RetryableError("busy", after_s=7200))
    assert ledger.delivery(id).next_at == AT + 2 * HOUR


def test_what_waits_is_told_when_its_time_has_come_and_its_run_is_over(ledger: Ledger) -> None:
    one, two = due(ledger, None, ENTRY, OTHER_ENTRY)
    fail(ledger, one, RetryableError("refused"))

    def waiting(moment: datetime, over: bool) -> list[str]:
        return [row.id for row in ledger.waiting(moment, lambda run: over)]

    assert waiting(AT, over=False) == []
    assert waiting(AT, over=True) == [two]
    assert waiting(AT + HOUR, over=True) == [one, two]


def test_the_same_files_of_a_window_go_to_a_place_once(ledger: Ledger) -> None:
    old, new = manifest_of(), manifest_of(token=LATER, at=AT + HOUR)
    (id,) = due(ledger, old)
    assert deliver(ledger, id, old)
    (id,) = due(ledger, new)
    assert not deliver(ledger, id, new)
    assert ledger.delivery(id).receipt == receipt_of(old)


def test_files_that_were_replaced_meanwhile_are_sent_again(ledger: Ledger) -> None:
    one, two, three = (
        manifest_of({"a.csv": data}, token=f"2024011{n}T020000Z-0a1b2c", at=AT + n * HOUR)
        for n, data in enumerate([b"1", b"2", b"1"])
    )
    sent = [deliver(ledger, due(ledger, made)[0], made, made.created_at) for made in (one, two, three)]
    assert sent == [True, True, True]


def test_each_run_over_the_whole_history_is_an_occasion_of_its_own(ledger: Ledger) -> None:
    for token in ("20240116T020000Z-0a1b2c", LATER):
        made = manifest_of(token=token, window=WHOLE)
        assert deliver(ledger, due(ledger, made)[0], made)


def test_a_newer_artifact_takes_the_place_of_an_older_one_that_has_not_arrived(ledger: Ledger) -> None:
    old, new = manifest_of(), manifest_of({"a.csv": b"new"}, token=LATER, at=AT + HOUR)
    (first,) = due(ledger, old)
    fail(ledger, first, RetryableError("refused"))
    (second,) = due(ledger, new)
    assert (ledger.delivery(first).state, ledger.delivery(second).state) == ("withdrawn", "due")
    assert [row.id for row in ledger.waiting(AT + 5 * HOUR, lambda run: True)] == [second]


def test_a_mended_definition_takes_the_place_of_the_wrong_one(ledger: Ledger) -> None:
    made = manifest_of()
    (wrong,) = due(ledger, made)
    fail(ledger, wrong, RequestError("no such host"))
    (right,) = due(ledger, made, OTHER_ENTRY)
    assert ledger.delivery(wrong).state == "withdrawn"
    assert [row.id for row in ledger.deliveries()] == [right]


def test_two_never_deliver_one_thing_at_once(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    with ledger.claim(id, at()) as attempt:
        with (
            pytest.raises(RetryableError, match="another process delivers or erases it"),
            ledger.claim(id, at()),
        ):
            pass
        assert [row.id for row in ledger.waiting(AT, lambda run: True)] == []
        attempt.receipt = receipt_of(made)
    assert ledger.delivery(id).attempts == 1


KILLED = """
import sys, time
from export_pipelines.ledger import open_ledger
from export_pipelines_tests.artifacts.build import AT
ledger = open_ledger(sys.argv[1])
with ledger.claim(sys.argv[2], lambda: AT) as attempt:
    attempt.handing("1/1")
    print("sending", flush=True)
    time.sleep(60)
"""


def test_a_killed_attempt_holds_up_nobody_and_is_on_record(ledger: Ledger, url: str, tmp_path: Path) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    with Process(["-c", KILLED, url, id], tmp_path, child_environment()) as child:
        assert child.stdout.readline() == "sending\n"
        assert ledger.waiting(AT, lambda run: True) == []
        child.kill()
    assert [row.state for row in ledger.waiting(AT, lambda run: True)] == ["sending"]
    with ledger.claim(id, at()) as attempt:
        assert attempt.state("1/1") == "handing"
        attempt.receipt = receipt_of(made)
    assert [one["outcome"] for one in ledger.attempts(id)] == ["killed", "delivered"]


def test_a_hundred_at_once_are_all_written_down(url: str, ledger: Ledger) -> None:
    manifests = [manifest_of({"a.csv": b"%d" % n}, export=f"export_{n}") for n in range(100)]
    start = threading.Barrier(8)

    def work(share: list[Manifest]) -> None:
        own = open_ledger(url)
        start.wait()
        for made in share:
            (id,) = due(own, made)
            assert deliver(own, id, made)
        own.engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [manifests[n::8] for n in range(8)]))
    assert [row.state for row in ledger.deliveries()] == ["delivered"] * 100


def test_an_unknown_delivery_is_told(ledger: Ledger) -> None:
    with pytest.raises(RequestError, match="there is no delivery x"):
        ledger.delivery("x")
