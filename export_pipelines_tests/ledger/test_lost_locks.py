"""A lock of PostgreSQL ends with the connection that holds it: whoever has lost it goes on with nothing."""

from collections.abc import Iterator

import pytest

from export_pipelines.errors import Overtaken, RetryableError
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.artifacts.build import manifest_of
from export_pipelines_tests.ledger.attempts import at, due, receipt_of

END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def ledgers(postgresql_url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Ledger, Ledger]]:
    """Of two processes."""
    url = new_database(postgresql_url, f"lost_locks_{abs(hash(request.node.name))}")
    opened = open_ledger(url), open_ledger(url)
    yield opened
    for ledger in opened:
        ledger.engine.dispose()


def end_connections(ledger: Ledger) -> None:
    """All but one of this ledger."""
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql(END_ALL)


def test_an_attempt_that_was_overtaken_hands_nothing_over(ledgers: tuple[Ledger, Ledger]) -> None:
    first, second = ledgers
    (id,), receipt = due(first), receipt_of(manifest_of())
    with pytest.raises(Overtaken), first.claim(id, at()) as attempt:
        attempt.handing("before")
        end_connections(second)
        attempt.handing("though its lock is lost")  # nobody else is there
        with second.claim(id, at()) as other:
            for call in (attempt.state, attempt.handing, attempt.done, attempt.proof, attempt.not_taken):
                with pytest.raises(Overtaken):
                    call("after")
            with pytest.raises(Overtaken):
                attempt.placing("place", "daily", {"a.csv": "0" * 64})
            other.receipt = receipt
        attempt.heading_for("elsewhere")
    delivery = second.delivery(id)
    assert (delivery.state, delivery.target, delivery.attempts) == ("delivered", receipt.target, 2)
    assert [row["outcome"] for row in second.attempts(id)] == ["retrying", "delivered"]


def test_an_attempt_that_was_overtaken_leaves_the_delivery_to_the_other(
    ledgers: tuple[Ledger, Ledger],
) -> None:
    first, second = ledgers
    (id,) = due(first)
    with pytest.raises(Overtaken), first.claim(id, at()) as attempt:
        attempt.receipt = receipt_of(manifest_of())
        end_connections(second)
        with pytest.raises(RetryableError), second.claim(id, at()):
            raise RetryableError("the server is full")
    delivery = second.delivery(id)
    assert (delivery.state, delivery.receipt) == ("retrying", None)
    assert [row["outcome"] for row in second.attempts(id)] == ["delivered", "retrying"]
