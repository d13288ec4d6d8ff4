"""What a replication slot of PostgreSQL tells, what is refused, and what becomes of a slot or a publication that was changed."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.errors import SourceError
from export_pipelines.streaming.horizons import by_id, slot_changes
from export_pipelines.streaming.horizons.replication import ReplicationHorizon
from export_pipelines.streaming.horizons.table_walk import Walk
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.postgresql import postgresql
from export_pipelines_tests.streaming.horizons.cases import Case, of_poor_role
from export_pipelines_tests.streaming.horizons.databases import LEAD, Postgresql, id_of
from export_pipelines_tests.streaming.horizons.reader import KEEP, following, next_span
from export_pipelines_tests.streaming.horizons.test_look_back import DAY

COMMITTING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def horizon(replication: Case) -> Iterator[ReplicationHorizon]:
    with closing(replication.open()) as horizon:
        assert isinstance(horizon, ReplicationHorizon)
        yield horizon


def test_a_server_that_tells_no_changes_is_refused(postgresql_url: str) -> None:
    url = new_database(postgresql_url, "without_changes")
    case = Case(Postgresql(url), NewRowColumns(publication="exports"), "replication slot").make()
    with closing(case.open()) as horizon, pytest.raises(SourceError, match="wal_level=replica.*ALTER SYSTEM"):
        horizon.check()


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        (
            ["DROP PUBLICATION exports"],
            r"no publication exports.*CREATE PUBLICATION exports FOR TABLE events \(event_id\) WITH \(publish = 'insert'\)",
        ),
        (
            ["ALTER PUBLICATION exports SET TABLE leads"],
            "has no events: ALTER PUBLICATION exports ADD TABLE events",
        ),
        (["ALTER PUBLICATION exports SET (publish = 'update, delete')"], "does not publish insert"),
        (["ALTER PUBLICATION exports SET TABLE events (host)"], "leaves events.event_id out"),
        (["ALTER PUBLICATION exports SET TABLE events WHERE (ms > 5)"], "leaves rows of events out"),
        (
            ["DROP PUBLICATION exports", "ALTER TABLE events SET UNLOGGED"],
            "events is unlogged",
        ),
        (
            [
                "DROP PUBLICATION exports",
                "ALTER TABLE events RENAME TO other",
                "CREATE VIEW events AS SELECT * FROM other",
            ],
            "events is no table",
        ),
        (
            ["DROP PUBLICATION exports", "ALTER TABLE events ALTER event_id TYPE char(24)"],
            "event_id is character, and rows are named by one of: text",
        ),
    ],
)
def test_what_leaves_rows_out_is_refused(
    replication: Case, horizon: ReplicationHorizon, statements: list[str], text: str
) -> None:
    replication.database.execute(*statements)
    with pytest.raises(SourceError, match=text):
        horizon.check()


def test_updates_need_a_replica_identity(replication: Case) -> None:
    columns = NewRowColumns(publication="exports", change="start_timestamp")
    case = Case(replication.database, columns, "replication slot")
    with closing(case.open()) as horizon:
        with pytest.raises(SourceError, match=r"does not publish insert, update.*publish = 'insert, update'"):
            horizon.check()
        case.database.execute("ALTER TABLE events REPLICA IDENTITY NOTHING")
        with pytest.raises(SourceError, match="no replica identity"):
            horizon.check()


def test_changes_may_not_be_read_by_everybody(replication: Case) -> None:
    case = of_poor_role(replication, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO poor")
    with closing(case.open()) as horizon:
        with pytest.raises(SourceError, match="ALTER ROLE ... REPLICATION"):
            horizon.check()
        replication.database.execute("ALTER ROLE poor REPLICATION")
        horizon.check()
        position = horizon.begin("now", KEEP)
        replication.database.write([id_of(1)])
        assert following(horizon, position, 1)[0] == {id_of(1): 1}


def test_a_large_transaction_is_several_spans(
    replication: Case, horizon: ReplicationHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a reader that begins anew within it, and while what was there is walked through."""
    for module in (slot_changes, by_id):
        monkeypatch.setattr(module, "MOST_IDS", 4)
    monkeypatch.setattr(slot_changes, "FETCHED", 3)
    position, start = horizon.begin("now", KEEP), horizon.begin("beginning", KEEP)
    for first in (0, 11, 12):
        replication.database.write([id_of(first + n) for n in range(11 if first == 0 else 1)])
    spans, at = list[list[str]](), position
    while sum(map(len, spans)) < 13:
        with closing(replication.open()) as again:
            span = next_span(again, at)
        spans.append(list(span.content["ids"]))
        at = span.end
    assert [id for ids in spans for id in ids] == [id_of(n) for n in range(13)]
    assert max(map(len, spans)) == 4
    for place in (position, start):
        assert following(horizon, place, 13)[0] == {id_of(n): 1 for n in range(13)}


def test_rows_that_wait_for_their_sink_hold_nothing_back_at_the_server(
    replication: Case, horizon: ReplicationHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A span is a part of a peek, and the sink may be away for hours before the next look."""
    monkeypatch.setattr(slot_changes, "MOST_IDS", 4)
    monkeypatch.setattr(slot_changes, "FETCHED", 3)
    database = replication.database
    position = horizon.begin("now", KEEP)
    database.write([id_of(n) for n in range(11)])
    span = next_span(horizon, position)
    assert span.more and len(span.content["ids"]) == 4
    with closing(psycopg.connect(database.url)) as operator:
        opened = operator.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL)"
        ).fetchall()
    assert opened == []
    assert following(horizon, span.end, 7)[0] == {id_of(n): 1 for n in range(4, 11)}


def test_a_changed_row_is_new_again_where_that_is_asked(
    replication: Case, horizon: ReplicationHorizon
) -> None:
    replication.database.execute(
        "ALTER PUBLICATION exports SET (publish = 'insert, update, delete, truncate')"
    )
    columns = NewRowColumns(publication="exports", change="start_timestamp")
    case = Case(replication.database, columns, "replication slot")
    case.database.write([id_of(1), id_of(2)])
    with closing(case.open()) as changes:
        changes.check()
        position, without = changes.begin("now", KEEP), horizon.begin("now", KEEP)
        case.database.execute(
            f"UPDATE events SET reason = 'r' WHERE event_id = '{id_of(2)}'", f"DELETE FROM events WHERE event_id = '{id_of(1)}'"
        )  # fmt: skip
        (part,) = changes.read(next_span(changes, position), None)
        assert part.batch.select(["event_id", "reason"]).to_pylist() == [
            {"event_id": id_of(2), "reason": "r"}
        ]
        case.database.execute("TRUNCATE events")
        assert following(horizon, without)[0] == {}


def test_a_start_leaves_earlier_rows_out_also_late_ones(
    replication: Case, horizon: ReplicationHorizon
) -> None:
    early, late = DAY, DAY + timedelta(days=1)
    replication.database.write([id_of(1)], early)
    replication.database.write([id_of(2)], late)
    position = horizon.begin(late, KEEP)
    replication.database.write([id_of(3)], early)
    replication.database.write([id_of(4)], late)
    assert following(horizon, position, 2)[0] == {id_of(2): 1, id_of(4): 1}


def wait_for(connection: psycopg.Connection, query: str) -> None:
    """Until it has a row."""
    until = time.monotonic() + 60
    while connection.execute(query).fetchone() is None:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_is_committed_is_waited_for_until_it_is_visible() -> None:
    """The log of changes has a transaction before others see it: much before, where it waits for a standby."""
    with postgresql("wal_level=logical") as url, closing(psycopg.connect(url, autocommit=True)) as operator:
        statements = ("CREATE PUBLICATION exports FOR TABLE events (event_id)",)
        columns = NewRowColumns(publication="exports")
        case = Case(Postgresql(url), columns, "replication slot", statements=statements).make()
        with closing(case.open()) as horizon:
            position: Any = horizon.begin("now", KEEP)
            operator.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            operator.execute("SELECT pg_reload_conf()")
            wait_for(operator, "SELECT FROM pg_settings WHERE setting = 'nobody'")
            waiting = threading.Thread(target=case.database.write, args=([id_of(1)],))
            waiting.start()
            wait_for(operator, f"SELECT {COMMITTING}")
            with closing(case.database.connect()) as quick:
                quick.execute("SET synchronous_commit = local")
                case.database.insert(quick.cursor(), id_of(2))
                quick.commit()
            until = time.monotonic() + 1
            while time.monotonic() < until:
                span = horizon.look(position)
                assert span is not None and span.more and not span.content["ids"]  # not caught up
                position = span.end
            operator.execute(f"SELECT pg_cancel_backend(pid) {COMMITTING}")
            waiting.join()
            assert following(horizon, position, 2)[0] == {id_of(1): 1, id_of(2): 1}


def test_rows_that_were_there_come_once_while_others_are_written(
    replication: Case, horizon: ReplicationHorizon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write before, within and behind each page: between two looks, between the peek and the page of a look, and in a
    transaction that stays open over several pages. What they commit is visible before it is in the log."""
    monkeypatch.setattr(by_id, "MOST_IDS", 5)
    database, numbers, page = replication.database, count(100), horizon.walk.page
    database.execute(f"ALTER DATABASE {make_url(database.url).database} SET synchronous_commit = off")
    written = [id_of(n) for n in range(40)]
    for n in range(40):
        database.write([id_of(n)], DAY + timedelta(minutes=n))

    def write(seconds: int) -> None:
        for minute in (0, *range(3, 39, 9), 39):
            written.append(id_of(next(numbers)))
            database.write(written[-1:], DAY + timedelta(minutes=minute, seconds=seconds))

    def page_behind_others(walk: Walk) -> tuple[list[str], Walk]:
        if len(written) < 120:
            write(len(written) % 60)
        return page(walk)

    monkeypatch.setattr(horizon.walk, "page", page_behind_others)
    sent = list[str]()
    with closing(database.connect()) as opened:
        position: Any = horizon.begin("beginning", KEEP)
        for minute in (1, 12, 33):
            written.append(id_of(500 + minute))
            database.insert(opened.cursor(), written[-1], DAY + timedelta(minutes=minute, seconds=1))
        until = time.monotonic() + 60
        while len(sent) < len(written) or "walk" in position:
            assert time.monotonic() < until
            if (span := horizon.look(position)) is None:
                time.sleep(0.02)
                continue
            sent += [
                id for part in horizon.read(span, None) for id in part.batch.column("event_id").to_pylist()
            ]
            position = span.end
            if position.get("walk", {}).get("key") and len(written) < 120:
                write(len(written) % 60)
            if len(written) >= 90 and not opened.closed:
                opened.commit()
                opened.close()
    assert len(written) > 120 and not following(horizon, position)[0]
    assert sorted(sent) == sorted(written)


def test_a_replay_keeps_nothing_at_the_server(replication: Case, horizon: ReplicationHorizon) -> None:
    database = replication.database
    database.write([id_of(1)], DAY)
    database.write([id_of(2)], DAY + timedelta(days=1))
    position = horizon.begin(DAY + timedelta(hours=1))
    assert following(horizon, position)[0] == {id_of(2): 1}
    assert horizon.slots.all() == []


def test_partitions_are_told_under_the_name_of_their_table(replication: Case) -> None:
    database = replication.database
    database.execute(
        "DROP PUBLICATION exports",
        "ALTER TABLE events RENAME TO plain",
        "CREATE TABLE events (LIKE plain) PARTITION BY RANGE (occurred_at)",
        "CREATE TABLE events_all PARTITION OF events DEFAULT",
        "CREATE INDEX ON events (occurred_at, event_id)",
        "CREATE PUBLICATION exports FOR TABLE events",
    )
    with closing(replication.open()) as horizon:
        with pytest.raises(SourceError, match="publish_via_partition_root"):
            horizon.check()
        database.execute("ALTER PUBLICATION exports SET (publish_via_partition_root = true)")
        horizon.check()
        position = horizon.begin("now", KEEP)
        database.execute(
            f"INSERT INTO events (event_id, lead_id, occurred_at) VALUES ('{id_of(1)}', '{LEAD}', now())"
        )
        assert following(horizon, position, 1)[0] == {id_of(1): 1}
