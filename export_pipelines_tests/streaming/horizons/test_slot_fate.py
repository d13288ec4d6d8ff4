"""What becomes of a replication slot: what it keeps, who else reads it, how it is lost, and who takes it over."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.definition.stream import RetainedWal
from export_pipelines.errors import RequestError, RetryableError, SourceError
from export_pipelines.read.open_source import open_source
from export_pipelines.streaming.horizon import Horizon
from export_pipelines.streaming.horizons import replication as replication_module
from export_pipelines.streaming.horizons.replication import Replication, ReplicationHorizon
from export_pipelines.streaming.horizons.slots import Slots
from export_pipelines_servers.postgresql import postgresql, standby
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.databases import Postgresql, id_of
from export_pipelines_tests.streaming.horizons.reader import KEEP, following, next_span

FILL = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 6000)"  # about 6 MB of WAL


@pytest.fixture
def horizon(replication: Case) -> Iterator[ReplicationHorizon]:
    with closing(replication.open()) as horizon:
        assert isinstance(horizon, ReplicationHorizon)
        yield horizon


def bounded(case: Case, wal: RetainedWal) -> ReplicationHorizon:
    mechanism = Replication(case.dataset, case.database.url, wal)
    return mechanism.open(case.plan(), open_source(case.database.url))


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("SELECT pg_drop_replication_slot('{slot}')", "is gone: rows that were written since are missing"),
        ("SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())", "ahead of the cursor"),
        (
            "SELECT pg_drop_replication_slot('{slot}'); SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')",
            "ahead of the cursor.*made it anew",
        ),
        ("DROP PUBLICATION exports", "publication exports is gone"),
        ("ALTER PUBLICATION exports SET TABLE leads", "has no events"),
        (
            "DROP PUBLICATION exports; CREATE PUBLICATION exports FOR TABLE events (event_id)",
            "exports or the table events was changed or made anew",
        ),
        (
            "ALTER PUBLICATION exports DROP TABLE events; ALTER PUBLICATION exports ADD TABLE events (event_id)",
            "exports or the table events was changed or made anew",
        ),
    ],
)
def test_rows_that_may_be_lost_are_said(
    replication: Case, horizon: ReplicationHorizon, statement: str, text: str
) -> None:
    position: Any = horizon.begin("now", KEEP)
    replication.database.write([id_of(1)])
    replication.database.execute(*statement.format(slot=position["slot"]).split("; "))
    replication.database.write([id_of(2)])
    for _ in range(2):  # and again, until a person decides
        with pytest.raises(RequestError, match=text) as caught:
            horizon.look(position)
        assert "stream restart NAME --from" in str(caught.value)


def test_a_cursor_of_another_server_is_refused(horizon: ReplicationHorizon) -> None:
    position: Any = horizon.begin("now", KEEP)
    with pytest.raises(RequestError, match="of another database server"):
        horizon.look(position | {"cluster": "1"})
    with pytest.raises(RequestError, match="set back to an earlier state"):
        horizon.look(position | {"lsn": position["lsn"] + 2**40})
    with pytest.raises(RequestError, match="was promoted"):
        horizon.look(position | {"timeline": 7})


def test_a_slot_that_the_server_gave_up_is_said() -> None:
    with postgresql(
        "wal_level=logical", "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB"
    ) as url:
        case = Case(
            Postgresql(url), NewRowColumns(publication="exports"), "replication slot",
            statements=("CREATE PUBLICATION exports FOR TABLE events (event_id)", "CREATE TABLE filler (x text)"),
        ).make()  # fmt: skip
        with closing(case.open()) as horizon:
            position = horizon.begin("now", KEEP)
            case.database.write([id_of(1)])
            case.database.execute(*[FILL] * 12)
            with closing(psycopg.connect(url, autocommit=True)) as connection:
                connection.execute("CHECKPOINT")
            with pytest.raises(
                RequestError, match=r"has given up the replication slot .* \(wal_removed\): rows"
            ):
                horizon.look(position)


def test_too_much_wal_is_said_and_the_stream_goes_on(replication: Case) -> None:
    replication.database.execute("CREATE TABLE filler (x text)")
    with closing(bounded(replication, RetainedWal(limit=5_000_000))) as horizon:
        position = horizon.begin("now", KEEP)
        horizon.look(position)
        assert horizon.warning(position) is None
        replication.database.execute(FILL)
        replication.database.write([id_of(1)])
        assert "more than the limit of 5.0 MB" in str(horizon.warning(position))  # also where it cannot look
        assert following(horizon, position, 1)[0] == {id_of(1): 1}


def test_too_much_wal_ends_the_stream_where_that_is_said(replication: Case) -> None:
    replication.database.execute("CREATE TABLE filler (x text)")
    with closing(bounded(replication, RetainedWal(limit=5_000_000, exceeded="drop"))) as horizon:
        position: Any = horizon.begin("now", KEEP)
        replication.database.execute(FILL)
        with pytest.raises(RequestError, match="more than the limit of 5.0 MB: it was dropped"):
            horizon.look(position)
        assert horizon.slots.state(position["slot"]) is None
        with pytest.raises(RequestError, match="is gone"):
            horizon.look(position)


def test_what_is_written_elsewhere_moves_cursor_and_slot(
    replication: Case, horizon: ReplicationHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    replication.database.execute("CREATE TABLE filler (x text)")
    position: Any = horizon.begin("now", KEEP)
    monkeypatch.setattr(replication_module, "ADVANCE_S", 3600)
    horizon.told_at = time.monotonic()
    replication.database.execute(FILL)
    assert horizon.look(position) is None
    monkeypatch.setattr(replication_module, "ADVANCE_S", 0)
    span = next_span(horizon, position)
    assert list(horizon.read(span, None)) == []
    assert span.end["lsn"] >= position["lsn"] + 5_000_000
    horizon.passed(span.end)
    state = horizon.slots.state(position["slot"])
    assert state is not None and state.confirmed == span.end["lsn"]


def test_a_slot_waits_for_the_transactions_that_are_open(
    replication: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one whose making was killed is made anew by the position that was stored before."""
    monkeypatch.setattr(replication_module, "CREATION_S", 0.3)
    database, stored = replication.database, list[Any]()
    keep = type(KEEP)("suite", stored.append)
    with closing(database.connect()) as opened, closing(replication.open()) as horizon:
        database.insert(opened.cursor(), id_of(1))
        for _ in range(2):
            with pytest.raises(RetryableError, match="waits for transactions that are open"):
                horizon.begin("now", keep) if not stored else horizon.look(stored[0])
        opened.commit()
    (position,) = stored
    with closing(replication.open()) as horizon:
        span = horizon.look(position)
        assert span is not None and span.more
        database.write([id_of(2)])
        assert following(horizon, span.end, 1)[0] == {id_of(2): 1}
    with closing(Slots(database.url)) as slots:
        assert [slot.name for slot in slots.all()] == [position["slot"]]


def test_a_slot_that_another_session_reads_is_asked_again(
    replication: Case, horizon: ReplicationHorizon
) -> None:
    position: Any = horizon.begin("now", KEEP)
    with closing(Slots(replication.database.url)) as slots, closing(replication.database.connect()) as other:
        replication.database.write([id_of(1)])
        url = make_url(replication.database.url).update_query_dict({"replication": "database"})
        with closing(psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)) as reading:
            reading.pgconn.send_query(
                f"START_REPLICATION SLOT {position['slot']} LOGICAL 0/0 (proto_version '1', publication_names 'exports')".encode()
            )
            until = time.monotonic() + 10
            while not (slots.state(position["slot"]) or fail()).is_active:
                assert time.monotonic() < until
            with pytest.raises(RetryableError, match="another session reads"):
                horizon.look(position)
        other.rollback()
    assert following(horizon, position, 1)[0] == {id_of(1): 1}


def fail() -> Any:
    raise AssertionError("the slot is gone")


def test_a_standby_that_was_promoted_is_followed_where_it_has_all_that_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication_module, "ADVANCE_S", 0)
    monkeypatch.setattr(replication_module, "LEAST_S", 0)
    with ExitStack() as primary_is_up:
        primary = primary_is_up.enter_context(postgresql("wal_level=logical"))
        statements = ("CREATE PUBLICATION exports FOR TABLE events (event_id)",)
        columns = NewRowColumns(publication="exports")
        case = Case(Postgresql(primary), columns, "replication slot", statements=statements).make()
        case.database.execute("SELECT pg_create_physical_replication_slot('follower', true)")
        settings = ("primary_slot_name=follower", "hot_standby_feedback=on", "sync_replication_slots=on")
        with standby(primary, *settings, "wal_level=logical") as url:
            with closing(case.open()) as horizon:
                position: Any = horizon.begin("now", KEEP)
                case.database.write([id_of(1)])
                sent, position = following(horizon, position, 1)
                assert sent == {id_of(1): 1}
                position = taken_over(case, url, horizon, position)
            with closing(Case(Postgresql(url), columns, "replication slot").open()) as followed:
                with pytest.raises(SourceError, match="this is a standby"):
                    followed.look(position)
                case.database.write([id_of(2)])  # is not sent yet
                wait_for_row(url, id_of(2))
                primary_is_up.close()
                with closing(psycopg.connect(url, autocommit=True)) as operator:
                    operator.execute("SELECT pg_promote()")
                Postgresql(url).write([id_of(3)])
                assert following(followed, position, 2)[0] == {id_of(2): 1, id_of(3): 1}
                with pytest.raises(
                    RequestError, match="was promoted, and may lack transactions that were sent"
                ):
                    followed.look(position | {"lsn": position["lsn"] + 2**30})


def taken_over(case: Case, url: str, horizon: Horizon, position: Any) -> Any:
    """The position at which the standby has the slot for good, which it has when that moves on at the primary."""
    until = time.monotonic() + 60
    while True:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            if connection.execute(
                "SELECT 1 FROM pg_replication_slots WHERE NOT temporary AND synced"
            ).fetchall():
                return position
        assert time.monotonic() < until
        case.database.execute(
            "SELECT pg_log_standby_snapshot()", "CREATE TABLE IF NOT EXISTS filler (x text)"
        )
        if (span := horizon.look(position)) is not None:
            position = span.end
            horizon.passed(position)
        time.sleep(0.3)


def wait_for_row(url: str, id: str) -> None:
    until = time.monotonic() + 30
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        while not connection.execute("SELECT 1 FROM events WHERE event_id = %s", (id,)).fetchall():
            assert time.monotonic() < until
            time.sleep(0.1)
