"""Rows of PostgreSQL that several connections read in ranges: the same rows in the same order, of one snapshot, in constant
memory; and nothing is left of a reading that ends early."""

import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy.engine import make_url

from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.errors import RetryableError
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.window import WHOLE
from export_pipelines.read import postgresql_ranges
from export_pipelines.read.open_source import open_source
from export_pipelines_servers.postgresql import standby
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.plan.tables import FIELDS, request_for, window
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.read.databases import PARTIES, POSTGRESQL_COLUMNS, Postgresql

ROWS = 30_000 * int(os.environ.get("EXAMPLES", "1"))
SEED = random.randrange(1 << 30)
# of every third row no time; texts that SQL and COPY could misread; numbers that are none; days beyond the calendar
ODD = f"""
INSERT INTO leads (lead_id, at, word, size, price, day, at_ms, flow_id)
SELECT lpad(n::text, 8, '0'),
       CASE WHEN n % 11 = 0 THEN NULL WHEN n % 97 = 0 THEN 'infinity' WHEN n % 89 = 0 THEN '0044-03-15 00:00:00+00 BC'
            ELSE timestamptz '2024-01-01' + floor(random() * 864000) * interval '0.1 s' END,
       CASE floor(random() * 9) WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'it''s' || n WHEN 3 THEN E'\\\\N' || n
            WHEN 4 THEN 'é' || n % 100 WHEN 5 THEN E'a\\n"' || n WHEN 6 THEN '$1' || n ELSE md5(n::text) END,
       n % 5, CASE WHEN n % 50 = 0 THEN 'NaN' ELSE (random() * 1000)::numeric(20,2) END,
       CASE WHEN n % 60 = 0 THEN '-infinity' ELSE date '2024-01-01' + n % 3000 END,
       CASE WHEN n % 2 = 0 THEN 1704067200000 ELSE (random() * 1e12)::bigint END, 'f' || n % 3
FROM generate_series(1, {ROWS}) n ORDER BY random()
"""
SORTS: dict[str, dict[str, Any]] = {
    "the dataset's order, with rows without a time": {},
    "texts": {"sort": ("word",)},
    "amounts": {"sort": ("price",)},
    "days": {"sort": ("day",)},
    "milliseconds, half of them the same": {"sort": ("at_ms", "word")},
}


@pytest.fixture(scope="module")
def database(postgresql_url: str) -> Iterator[Postgresql]:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE ranges")
    database = Postgresql(make_url(postgresql_url).set(database="ranges").render_as_string(False))
    database.execute(
        f"CREATE TABLE leads ({POSTGRESQL_COLUMNS})",
        *(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, name TEXT)" for table in PARTIES),
        "INSERT INTO flows VALUES ('f0', 'Solar'), ('f1', 'Roof')",
        f"SELECT setseed({SEED / (1 << 30)})",
        ODD,
        *(f"CREATE INDEX ON leads ({column}, lead_id)" for column in ("at", "word", "price", "day", "at_ms")),
        "ANALYZE leads",
    )
    yield database
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE ranges WITH (FORCE)")


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_ranges, "LEAST_ROWS", 2000)
    monkeypatch.setattr(postgresql_ranges, "PIECE_BYTES", 300_000)


def query_of(filter: Filter | None = None, days: tuple[str, str] | None = None, **definition: Any) -> Query:
    asked = window(*days) if days else WHOLE
    request = replace(request_for(filter or Filter(), asked, **definition), dialect="postgresql")
    return build_query(request, [*FIELDS[:13], FIELDS[18]])


def table(batches: Iterator[pa.RecordBatch]) -> pa.Table:
    with closing(batches):  # type: ignore[type-var]
        return pa.Table.from_batches(list(batches)).combine_chunks()


def sessions(database: Postgresql) -> int:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " AND datname = current_database()"
        ).fetchone()
    assert row
    return int(row[0])


def assert_nothing_left(database: Postgresql) -> None:
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("read")] == []
    until = time.monotonic() + 10
    while sessions(database) and time.monotonic() < until:
        time.sleep(0.05)
    assert sessions(database) == 0


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("connections", [2, 5])
def test_ranges_give_the_rows_of_the_one_query_in_its_order(
    database: Postgresql, sort: str, connections: int
) -> None:
    query = query_of(**SORTS[sort])
    source = open_source(database.url, connections)
    assert len(source.cut(query).ranges) > 10, (SEED, source.cut(query).reason)
    assert table(source.read(query.entire)).equals(table(open_source(database.url).read(query))), SEED
    assert_nothing_left(database)


@pytest.mark.parametrize(
    "filter",
    [
        Filter(),
        Filter(flows=("Solar",)),
        Filter(rules=(Rule(lhv="word", op="does not include", rhv="it's $1"),)),
        Filter(rules=(Rule(lhv="word", op="matches pattern", rhv="^[a-f]"),)),
    ],
)
def test_a_window_and_its_filter_are_those_of_every_range(database: Postgresql, filter: Filter) -> None:
    query = query_of(filter, ("2024-01-01", "2024-01-02"))
    source = open_source(database.url, 3)
    assert source.cut(query).ranges, source.cut(query).reason
    expected = table(open_source(database.url).read(query))
    assert expected.num_rows
    assert table(source.read(query.entire)).equals(expected), SEED


def test_all_ranges_see_one_snapshot(database: Postgresql) -> None:
    query = query_of()
    expected = table(open_source(database.url).read(query))
    batches = open_source(database.url, 3).read(query.entire)
    first = next(batches)
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE leads SET price = -1")
        connection.execute("DELETE FROM leads WHERE size = 1")
        connection.commit()
        others = list(batches)
        connection.execute("DELETE FROM leads")
        connection.execute(f"SELECT setseed({SEED / (1 << 30)})")
        connection.execute(ODD)
    assert pa.Table.from_batches([first, *others]).combine_chunks().equals(expected)


SERIAL: dict[str, tuple[dict[str, Any], str]] = {
    "a sort by what no index finds": (
        {"sort": ("size",)},
        "no index finds ranges of size, so each would be searched in the whole table",
    ),
    "few rows": (
        {"days": ("2024-02-01", "2024-02-02")},
        "fewer than 2,000 rows have a value of at",
    ),
    "a sort by what lies in JSON": ({"sort": ("doc.word",)}, "no stored column sorts its rows"),
    "a column of nulls": ({"sort": ("at_sql",)}, "fewer than 2,000 rows have a value of at_sql"),
}


@pytest.mark.parametrize("case", SERIAL)
def test_what_is_not_cut_says_why(database: Postgresql, case: str) -> None:
    changes, reason = SERIAL[case]
    shared = open_source(database.url, 4).cut(query_of(**changes))
    assert not shared.ranges
    assert re.search(reason, shared.reason), shared.reason


def test_a_preview_takes_one_connection(database: Postgresql) -> None:
    with closing(open_source(database.url, 4).read(query_of())) as batches:  # type: ignore[type-var]
        next(batches)
        assert sessions(database) == 1


def test_a_server_with_less_room_is_read_over_fewer_connections(database: Postgresql) -> None:
    database.execute(
        "CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 3",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO narrow",
    )
    try:
        url = make_url(database.url).set(username="narrow", password="narrow").render_as_string(False)
        query = query_of()
        with closing(open_source(url, 6).read(query.entire)) as batches:  # type: ignore[type-var]
            first = next(batches)
            assert sessions(database) == 3
            whole = pa.Table.from_batches([first, *batches]).combine_chunks()
        assert whole.equals(table(open_source(database.url).read(query)))
    finally:
        database.execute("DROP OWNED BY narrow", "DROP ROLE narrow")


def test_a_standby_is_read_in_ranges(database: Postgresql) -> None:
    with standby(database.url) as url:
        query = query_of()
        source = open_source(make_url(url).set(database="ranges").render_as_string(False), 3)
        assert source.cut(query).ranges
        assert table(source.read(query.entire)).equals(table(open_source(database.url).read(query)))


@contextmanager
def reading(database: Postgresql) -> Iterator[Iterator[pa.RecordBatch]]:
    with closing(open_source(database.url, 3).read(query_of().entire)) as batches:  # type: ignore[type-var]
        next(batches)
        yield batches


@pytest.mark.parametrize("number", range(4))
def test_a_connection_that_dies_ends_the_reading(database: Postgresql, number: int) -> None:
    with reading(database) as batches:
        with psycopg.connect(database.url) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'export_pipelines' ORDER BY backend_start"
            ).fetchall()
            assert len(pids) == 4  # that of the snapshot, too
            connection.execute("SELECT pg_terminate_backend(%s)", pids[number])
        with pytest.raises(RetryableError, match="the connection broke") as raised:
            list(batches)
        assert database.url not in str(raised.value)
    assert_nothing_left(database)


def test_what_is_closed_early_leaves_nothing(database: Postgresql) -> None:
    with reading(database):
        pass
    assert_nothing_left(database)


HOLDS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from export_pipelines.interrupts import ends_soon, exit_code
from export_pipelines.plan.query.query import Query
from export_pipelines.read.postgresql import PostgresqlSource

query = Query.model_validate_json(sys.stdin.read())
slow = query.sql.replace("SELECT ", "SELECT pg_sleep(600)::text AS slow, ", 1)
source = PostgresqlSource.from_url(sys.argv[1], 3)
try:
    with ends_soon(lambda: None), ThreadPoolExecutor(1) as pool:
        pool.submit(list, source.read(query.model_copy(update={"sql": slow, "is_entire": True}))).result()
except KeyboardInterrupt:
    sys.exit(exit_code())
"""


def test_an_interrupt_ends_all_connections_soon(database: Postgresql, tmp_path: Path) -> None:
    with Process(["-c", HOLDS, database.url], tmp_path, child_environment()) as process:
        process.stdin.write(query_of().model_dump_json())
        process.stdin.close()
        until = time.monotonic() + 60
        while sleeping(database) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert_nothing_left(database)


def sleeping(database: Postgresql) -> int:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        ).fetchone()
    assert row
    return int(row[0])
