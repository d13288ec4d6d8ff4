"""What a newer artifact has replaced does not arrive after it; what is sent again, or was touched since, is not taken for delivered."""

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import RequestError, RetryableError, Uncertain
from export_pipelines.ledger import Ledger
from export_pipelines_tests.artifacts.build import AT, manifest_of
from export_pipelines_tests.ledger.attempts import HOUR, at, deliver, due, receipt_of

REFUSED = RetryableError("refused")


def artifact(number: int, content: bytes) -> Manifest:
    """The `number`th of one window."""
    return manifest_of({"a.csv": content}, token=f"2024011{number}T020000Z-0a1b2c", at=AT + number * HOUR)


def fail(ledger: Ledger, id: str, error: Exception, again: bool = False) -> None:
    with pytest.raises(type(error)), ledger.claim(id, at(), again=again):
        raise error


def test_a_withdrawn_delivery_is_not_sent_over_the_newer_one(ledger: Ledger) -> None:
    old, new = artifact(1, b"old"), artifact(2, b"new")
    (first,), (second,) = due(ledger, old), due(ledger, new)
    assert deliver(ledger, second, new)
    with pytest.raises(RequestError, match="a newer artifact has taken the place"):
        deliver(ledger, first, old)
    assert ledger.delivery(first).state == "withdrawn" and ledger.attempts(first) == []
    assert deliver(ledger, first, old, again=True)  # a person may


@pytest.mark.parametrize("error", [REFUSED, RequestError("wrong password")])
def test_an_attempt_that_fails_after_it_was_withdrawn_is_not_tried_again(
    ledger: Ledger, error: Exception
) -> None:
    old, new = artifact(1, b"old"), artifact(2, b"new")
    (first,) = due(ledger, old)
    with pytest.raises(type(error)), ledger.claim(first, at()):
        (second,) = due(ledger, new)
        raise error
    assert ledger.delivery(first).state == "withdrawn"
    assert [row.id for row in ledger.waiting(AT + 99 * HOUR, lambda run: True)] == [second]
    assert ledger.attempts(first)[0]["error"] == str(error)


def test_what_may_have_arrived_after_it_was_withdrawn_is_said(ledger: Ledger) -> None:
    (first,) = due(ledger, artifact(1, b"old"))
    error = Uncertain("no answer")
    with pytest.raises(Uncertain), ledger.claim(first, at()):
        due(ledger, artifact(2, b"new"))
        raise error
    assert ledger.delivery(first).state == "uncertain"


@pytest.mark.parametrize("was_delivered", [True, False])
def test_what_is_sent_again_and_fails_is_sent_by_the_next_attempt(
    ledger: Ledger, was_delivered: bool
) -> None:
    """Whether the artifact was delivered itself, or another one with the same files was."""
    old, new = artifact(1, b"1"), artifact(2, b"1")
    (id,) = due(ledger, old)
    assert deliver(ledger, id, old)
    if not was_delivered:
        (id,) = due(ledger, new)
    fail(ledger, id, REFUSED, again=True)
    assert ledger.delivery(id).state == "retrying"
    assert deliver(ledger, id, old if was_delivered else new)
    assert not deliver(ledger, id, old)


def test_the_same_files_are_sent_where_others_were_tried_since(ledger: Ledger) -> None:
    """Those may be there, whole or half."""
    one, two, three = artifact(1, b"1"), artifact(2, b"2"), artifact(3, b"1")
    assert deliver(ledger, due(ledger, one)[0], one)
    fail(ledger, due(ledger, two)[0], REFUSED)
    assert deliver(ledger, due(ledger, three)[0], three)


def test_the_last_is_the_last_however_the_clock_was_set(ledger: Ledger) -> None:
    one, two, three = artifact(1, b"1"), artifact(2, b"2"), artifact(3, b"1")
    for made, moment in ((one, AT + 9 * HOUR), (two, AT)):
        assert deliver(ledger, due(ledger, made)[0], made, moment)
    (id,) = due(ledger, three)
    assert deliver(ledger, id, three)
    assert ledger.delivery(id).receipt == receipt_of(three)
