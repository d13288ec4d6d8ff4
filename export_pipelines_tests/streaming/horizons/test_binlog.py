"""What the binlog of MariaDB tells, what it refuses, and what becomes of a cursor that it does not go back to."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pymysql
import pytest
from sqlalchemy.engine import make_url

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.errors import RequestError, RetryableError, SourceError
from export_pipelines.streaming.horizons import binlog as binlog_module
from export_pipelines.streaming.horizons import binlog_tail
from export_pipelines.streaming.horizons.binlog import BinlogHorizon
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.mariadb import BINLOG, mariadb
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.databases import LEAD, Mariadb, id_of
from export_pipelines_tests.streaming.horizons.reader import following, next_span
from export_pipelines_tests.streaming.horizons.test_look_back import DAY


@pytest.fixture
def horizon(binlog: Case) -> Iterator[BinlogHorizon]:
    horizon = binlog.open()
    assert isinstance(horizon, BinlogHorizon)
    with closing(horizon):
        yield horizon


def test_a_server_without_a_binlog_is_refused(mariadb_url: str) -> None:
    url = new_database(mariadb_url, "without_binlog")
    case = Case(Mariadb(url), NewRowColumns(binlog=True), "binlog").make()
    with closing(case.open()) as horizon, pytest.raises(SourceError, match="log_bin=0.*log_bin=1"):
        horizon.check()


@pytest.mark.parametrize(
    ("setting", "value"), [("binlog_format", "MIXED"), ("binlog_row_metadata", "NO_LOG")]
)
def test_a_binlog_that_does_not_tell_rows_is_refused(
    binlog: Case, horizon: BinlogHorizon, setting: str, value: str
) -> None:
    wanted = binlog_module.SETTINGS[setting]
    binlog.database.execute(f"SET GLOBAL {setting} = '{value}'")
    try:
        with pytest.raises(SourceError, match=f"{setting}={value}"):
            horizon.check()
    finally:
        binlog.database.execute(f"SET GLOBAL {setting} = '{wanted}'")


def test_the_binlog_may_not_be_read_by_everybody(binlog: Case) -> None:
    binlog.database.execute(
        "CREATE OR REPLACE USER poor@'127.0.0.1' IDENTIFIED BY 'x'", "GRANT SELECT ON *.* TO poor@'127.0.0.1'"
    )
    url = (
        make_url(binlog.database.url).set(username="poor", password="x").render_as_string(hide_password=False)
    )
    horizon = Case(Mariadb(url), binlog.columns, "binlog").open()
    with closing(horizon), pytest.raises(SourceError, match="REPLICATION SLAVE"):
        horizon.check()


def test_a_cursor_that_the_binlog_does_not_go_back_to_is_refused() -> None:
    with mariadb(*BINLOG) as url:
        case = Case(Mariadb(url), NewRowColumns(binlog=True), "binlog").make()
        with closing(case.open()) as horizon:
            position: Any = horizon.begin("now")
            case.database.write([id_of(1)])
            with pytest.raises(RequestError, match="is of another server.*0-1-999999"):
                horizon.look(position | {"state": "0-1-999999"})
            case.database.execute("FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
            purge_all(case)
            with pytest.raises(RequestError, match="does not go back to the cursor.*purged"):
                horizon.look(position)


def purge_all(case: Case) -> None:
    """Until the server holds no reader's file any more."""
    for _ in range(100):
        with closing(case.database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW BINARY LOGS")
            files = [name for name, _ in cursor.fetchall()]
            cursor.execute(f"PURGE BINARY LOGS TO '{files[-1]}'")
        if len(files) == 1:
            return
        time.sleep(0.1)
    raise AssertionError(files)


def test_a_connection_that_breaks_is_made_again(binlog: Case, horizon: BinlogHorizon) -> None:
    binlog.database.write([id_of(1)])
    _, position = following(horizon, horizon.begin("beginning"), 1)
    with closing(binlog.database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump'")
        for (number,) in cursor.fetchall():
            try:
                cursor.execute(f"KILL {number}")
            except pymysql.Error:  # of a horizon that has just ended
                continue
    binlog.database.write([id_of(2)])
    with pytest.raises(RetryableError):
        for _ in range(20):
            horizon.look(position)
            time.sleep(0.05)
    assert following(horizon, position, 1)[0] == {id_of(2): 1}


def test_a_changed_row_is_new_again_where_that_is_asked(binlog: Case, horizon: BinlogHorizon) -> None:
    case = Case(binlog.database, NewRowColumns(binlog=True, change="start_timestamp"), "binlog")
    case.database.write([id_of(1), id_of(2)])
    with closing(case.open()) as changes:
        position = changes.begin("now")
        update = f"UPDATE events SET reason = 'r' WHERE event_id = '{id_of(2)}'"
        case.database.execute(update)
        span = next_span(changes, position)
        (part,) = changes.read(span, None)
        assert part.batch.select(["event_id", "reason"]).to_pylist() == [
            {"event_id": id_of(2), "reason": "r"}
        ]
        assert following(horizon, position)[0] == {}


def test_a_large_transaction_is_several_spans(
    binlog: Case, horizon: BinlogHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where more wait than are read ahead, and while what was there is walked through."""
    monkeypatch.setattr(binlog_module, "MOST_IDS", 4)
    monkeypatch.setattr(binlog_tail, "MOST_WAITING", 3)
    position, start = horizon.begin("now"), horizon.begin("beginning")
    for first in (0, 11, 12):
        binlog.database.write([id_of(first + n) for n in range(11 if first == 0 else 1)])
    for at in (position, start):
        assert following(horizon, at, 13)[0] == {id_of(n): 1 for n in range(13)}


def test_a_binlog_that_comes_slowly_is_no_end(
    binlog: Case, horizon: BinlogHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that waits in vain says that there is more, and the next one goes on where it was, also within a walk."""
    monkeypatch.setattr(binlog_module, "PATIENCE_S", 0.0)
    start, position = horizon.begin("beginning"), horizon.begin("now")
    binlog.database.write([id_of(n) for n in range(30)])
    for begun in (start, position):
        sent, tails, at = list[str](), set[Any](), begun
        while (span := horizon.look(at)) is not None:
            sent += [
                id for part in horizon.read(span, None) for id in part.batch.column("event_id").to_pylist()
            ]
            at = span.end
            tails.add(horizon.tail)
        assert sent == [id_of(n) for n in range(30)]
        assert len(tails) == 1


def test_a_transaction_that_is_in_the_binlog_and_not_visible_yet_is_not_missed() -> None:
    """So it is while it waits for a replica."""
    settings = ("enabled=OFF", "wait-point=AFTER_SYNC", "timeout=30000", "wait-no-slave=ON")
    with mariadb(*BINLOG, *(f"--rpl-semi-sync-master-{setting}" for setting in settings)) as url:
        case = Case(Mariadb(url), NewRowColumns(binlog=True), "binlog").make()
        with closing(case.open()) as horizon, closing(case.database.connect()) as connection:
            connection.autocommit(True)
            case.database.write([id_of(0)])
            before = asked(connection, "SELECT @@global.gtid_binlog_pos")
            case.database.execute("SET GLOBAL rpl_semi_sync_master_enabled = ON")
            waiting = threading.Thread(target=case.database.write, args=([id_of(1)],))
            waiting.start()
            while asked(connection, "SELECT @@global.gtid_binlog_pos") == before:
                time.sleep(0.05)
            sent, position = following(horizon, horizon.begin("beginning"), 1)
            assert sent == {id_of(0): 1}
            assert asked(connection, "SELECT count(*) FROM events") == 1
            connection.cursor().execute("SET GLOBAL rpl_semi_sync_master_enabled = OFF")
            waiting.join()
            assert following(horizon, position, 1)[0] == {id_of(1): 1}


def asked(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_a_start_leaves_earlier_rows_out_also_late_ones(binlog: Case, horizon: BinlogHorizon) -> None:
    early, late = DAY, DAY + timedelta(days=1)
    binlog.database.write([id_of(1)], early)
    binlog.database.write([id_of(2)], late)
    position = horizon.begin(late)
    binlog.database.write([id_of(3)], early)
    binlog.database.write([id_of(4)], late)
    assert following(horizon, position, 2)[0] == {id_of(2): 1, id_of(4): 1}


def test_what_is_written_elsewhere_moves_the_cursor_at_times(
    binlog: Case, horizon: BinlogHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    position: Any = horizon.begin("now")
    binlog.database.execute(f"INSERT INTO leads (lead_id, submitted_at) VALUES ('{'b' * 24}', now())")
    assert horizon.look(position) is None
    monkeypatch.setattr(binlog_module, "ADVANCE_S", 0)
    span = next_span(horizon, position)
    assert list(horizon.read(span, None)) == []
    assert span.end["state"] != position["state"]
    monkeypatch.setattr(binlog_module, "ADVANCE_S", 3600)  # others write to this server too
    assert horizon.look(span.end) is None


def test_rows_of_a_distributed_transaction_are_refused(binlog: Case, horizon: BinlogHorizon) -> None:
    position = horizon.begin("now")
    insert = f"INSERT INTO events (event_id, lead_id, occurred_at) VALUES ('{id_of(1)}', '{LEAD}', now())"
    binlog.database.execute("XA START 'x'", insert, "XA END 'x'", "XA PREPARE 'x'", "XA ROLLBACK 'x'")
    with pytest.raises(SourceError, match="distributed transaction"):
        next_span(horizon, position)
