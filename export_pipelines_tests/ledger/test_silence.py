"""A ledger on PostgreSQL whose connection breaks, or whose server is away."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import make_url

from export_pipelines.ledger import Ledger, Streams, open_ledger
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.fault_proxy import Fault, fault_proxy

AT = datetime(2024, 1, 1, tzinfo=UTC)


def say(ledger: Ledger) -> None:
    ledger.record("ana", "preview", "daily", {}, AT)


@pytest.mark.parametrize("kind", ["cut", "reset", "lost", "refuse"])
def test_a_connection_that_breaks_is_an_error_that_may_pass(postgresql_url: str, kind: str) -> None:
    url = make_url(new_database(postgresql_url, f"silent_{kind}"))
    assert url.port and url.host
    with fault_proxy(url.port) as proxy:
        ledger = open_ledger(url.set(port=proxy.port).render_as_string(hide_password=False))
        say(ledger)
        ledger.engine.dispose()
        proxy.fault = Fault(kind, after=500, times=3)
        with pytest.raises(LedgerSilent) as raised:
            for _ in range(3):  # a cut comes after some bytes
                say(ledger)
        assert (
            raised.value.retryable
            and "password" not in str(raised.value)
            and url.host not in str(raised.value)
        )
        proxy.fault = Fault()
        ledger.engine.dispose()
        say(ledger)
        assert ledger.audit()
        ledger.engine.dispose()


def test_a_lock_of_a_session_that_is_gone_is_let_go(postgresql_url: str) -> None:
    url = new_database(postgresql_url, "silent_lock")
    ledger, other = open_ledger(url), open_ledger(url)
    with ledger.locks.hold("x") as ours, other.engine.connect() as connection:
        assert ours
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with other.locks.hold("x") as ours:
        assert ours
    for each in (ledger, other):
        each.engine.dispose()


def test_connections_that_broke_while_nobody_used_them_are_made_anew(postgresql_url: str) -> None:
    url = new_database(postgresql_url, "silent_idle")
    ledger, other = open_ledger(url), open_ledger(url)
    with other.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    say(ledger)
    assert ledger.audit()
    for each in (ledger, other):
        each.engine.dispose()


def test_a_stream_whose_ledger_is_silent_loses_its_lease(postgresql_url: str) -> None:
    from export_pipelines.errors import LostLease

    url = make_url(new_database(postgresql_url, "silent_stream"))
    assert url.port and url.host
    with fault_proxy(url.port) as proxy:
        ledger = open_ledger(url.set(port=proxy.port).render_as_string(hide_password=False))
        ledger.engine.dispose()
        proxy.fault = Fault("refuse", times=100)
        with pytest.raises(LostLease, match="does not answer"):
            Streams(ledger.engine, ledger.locks).state("live")
