"""What the snapshots of PostgreSQL refuse, and how they read much. STREAM_ROWS=1000000 for a larger first span (200,000)."""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.errors import RequestError, RetryableError, SourceError
from export_pipelines.streaming.horizon import Horizon
from export_pipelines.streaming.horizons import look_back, rows
from export_pipelines_servers.postgresql import standby
from export_pipelines_tests.streaming.horizons.cases import Case, of_poor_role
from export_pipelines_tests.streaming.horizons.databases import LEAD, Postgresql, id_of
from export_pipelines_tests.streaming.horizons.reader import following

ROWS = int(os.environ.get("STREAM_ROWS", "200000"))
MANY = f"""
INSERT INTO events (event_id, lead_id, event_type, outcome, occurred_at, recipient_id, sale_price, ms, host, lead)
SELECT lpad(to_hex(n), 24, '0'), '{LEAD}', 'recipient.delivered', 'success', timestamptz '2024-01-01' + n * interval '1 ms',
       NULL, 12.5, n, 'h1', '{{"email":"ada@example.com"}}' FROM generate_series(1, {ROWS}) AS n
"""


@pytest.fixture
def horizon(snapshots: Case) -> Iterator[Horizon]:
    with closing(snapshots.open()) as horizon:
        yield horizon


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        (
            ["ALTER TABLE events DROP COLUMN written_by"],
            "has no column written_by.*ADD COLUMN written_by xid8",
        ),
        (["ALTER TABLE events ALTER COLUMN written_by DROP DEFAULT"], "nothing fills events.written_by"),
        (["DROP INDEX events_written_by_idx"], "no index of events begins with written_by"),
        (
            ["ALTER TABLE events DROP COLUMN written_by", "ALTER TABLE events ADD COLUMN written_by bigint"],
            "is bigint, and must be xid8",
        ),
        (
            [
                "ALTER TABLE events ALTER COLUMN written_by DROP NOT NULL",
                f"INSERT INTO events (event_id, lead_id, occurred_at, written_by) VALUES ('x', '{LEAD}', now(), NULL)",
            ],
            "rows of events have no written_by",
        ),
    ],
)
def test_a_table_that_does_not_tell_its_transactions_is_refused(
    snapshots: Case, horizon: Horizon, statements: list[str], text: str
) -> None:
    snapshots.database.execute(*statements)
    with pytest.raises(SourceError, match=text):
        horizon.check()


def test_a_table_that_may_not_be_read_is_told(snapshots: Case) -> None:
    """What breaks while the table is asked for is the source's error, as in every look."""
    case = of_poor_role(snapshots, "ALTER TABLE events ALTER COLUMN written_by DROP NOT NULL")
    with (
        closing(case.open()) as horizon,
        pytest.raises(SourceError, match="permission denied.*GRANT|grant SELECT"),
    ):
        horizon.check()


def test_changed_rows_need_a_trigger(snapshots: Case) -> None:
    """With it they are new again."""
    columns = NewRowColumns(transaction="written_by", change="start_timestamp")
    case = Case(snapshots.database, columns, "snapshots")
    with closing(case.open()) as horizon:
        with pytest.raises(SourceError, match="trigger BEFORE INSERT OR UPDATE"):
            horizon.check()
        case.database.execute(
            "CREATE FUNCTION written() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.written_by := pg_current_xact_id(); RETURN NEW; END'",
            "CREATE TRIGGER written BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION written()",
        )
        horizon.check()
        case.database.write([id_of(1), id_of(2)])
        position = horizon.begin("now")
        case.database.execute(f"UPDATE events SET outcome = 'failure' WHERE event_id = '{id_of(2)}'")
        span = horizon.look(position)
        assert span
        (part,) = horizon.read(span, None)
        assert part.batch.select(["event_id", "outcome"]).to_pylist() == [
            {"event_id": id_of(2), "outcome": "failure"}
        ]


def test_rows_of_another_server_are_refused(snapshots: Case, horizon: Horizon) -> None:
    """Their transactions lie above all of this server, or the cursor's do."""
    position: dict[str, Any] = json.loads(json.dumps(horizon.begin("now")))
    with pytest.raises(RequestError, match="of another database server"):
        horizon.look(position | {"cluster": "7"})
    with pytest.raises(RequestError, match="set back to an earlier state"):
        horizon.look(position | {"snapshot": "99999999:99999999:"})
    snapshots.database.write([id_of(1)], written_by="99999999")
    with pytest.raises(SourceError, match="above the number of any transaction here"):
        horizon.look(position)


def test_a_standby_is_refused(postgresql_url: str, snapshots: Case, horizon: Horizon) -> None:
    with standby(postgresql_url) as url:
        database = url.rpartition("/")[0] + "/" + snapshots.database.url.rpartition("/")[2]
        with closing(Case(Postgresql(database), snapshots.columns, "snapshots").open()) as follower:
            for ask in (
                follower.check,
                lambda: follower.begin("now"),
                lambda: follower.look(horizon.begin("now")),
            ):
                with pytest.raises(SourceError, match="this is a standby"):
                    ask()


def test_a_connection_that_breaks_is_made_again(snapshots: Case, horizon: Horizon) -> None:
    position = horizon.begin("now")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    snapshots.database.execute(end)
    with pytest.raises(RetryableError, match="connection broke"):
        horizon.look(position)
    assert horizon.look(position) is None


def test_a_transaction_that_was_open_at_the_start_is_new(snapshots: Case, horizon: Horizon) -> None:
    with closing(snapshots.database.connect()) as connection:
        snapshots.database.insert(connection.cursor(), id_of(1))
        position = horizon.begin("now")
        assert horizon.look(position) is None
        connection.commit()
    span = horizon.look(position)
    assert span
    assert [part.last[1] for part in horizon.read(span, None)] == [id_of(1)]


def test_a_start_leaves_earlier_rows_out_also_late_ones(snapshots: Case, horizon: Horizon) -> None:
    database = snapshots.database
    early, start, late = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))
    database.write([id_of(1)], early)
    database.write([id_of(2)], start)
    first = horizon.look(horizon.begin(start))
    assert first
    database.write([id_of(3)], early)
    database.write([id_of(4)], late)
    second = horizon.look(first.end)
    assert second
    ids = [
        [row for part in horizon.read(span, None) for row in part.batch["event_id"].to_pylist()]
        for span in (first, second)
    ]
    assert ids == [[id_of(2)], [id_of(4)]]


def test_much_is_read_in_little_memory_and_from_the_middle(snapshots: Case, horizon: Horizon) -> None:
    snapshots.database.execute(MANY, "ANALYZE events")
    span = horizon.look(horizon.begin("beginning"))
    assert span
    begun, count, key, memory = time.monotonic(), 0, None, 0
    for part in horizon.read(span, None):
        assert part.batch.num_rows <= 10_000
        count += part.batch.num_rows
        if key is None and count > ROWS // 2:
            key, middle = part.last, count
        memory = memory or _memory()
    seconds = time.monotonic() - begun
    assert count == ROWS
    assert _memory() - memory < 100 * 1024
    rest = [id for part in horizon.read(span, key) for id in part.batch["event_id"].to_pylist()]
    assert rest == [id_of(n) for n in range(middle + 1, ROWS + 1)]
    assert horizon.look(span.end) is None
    sys.stdout.write(f"\n{ROWS / seconds:,.0f} rows a second\n")


def _memory() -> int:
    """KiB at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("kind", ["bigint", "uuid"])
def test_ids_are_of_any_type(snapshots: Case, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Here and where spans name their rows."""
    monkeypatch.setattr(rows, "BATCH_ROWS", 2)
    fill = "n" if kind == "bigint" else "lpad(n::text, 32, '0')::uuid"
    snapshots.database.execute(
        f"ALTER TABLE events ALTER COLUMN event_id TYPE {kind} USING NULL",
        "INSERT INTO events (event_id, lead_id, occurred_at)"
        f" SELECT {fill}, '{LEAD}', now() - n * interval '1 day' FROM generate_series(1, 5) AS n",
    )
    for case in (snapshots, Case(snapshots.database, NewRowColumns(), "look back", settle_s=1)):
        with closing(case.open()) as horizon:
            span = horizon.look(horizon.begin("beginning"))
            assert span
            parts = [part.batch["event_id"].to_pylist() for part in horizon.read(span, None)]
            first = next(iter(horizon.read(span, None)))
            again = [part.batch["event_id"].to_pylist() for part in horizon.read(span, first.last)]
        assert [len(part) for part in parts] == [2, 2, 1]
        assert again == parts[1:]
    monkeypatch.setattr(look_back, "MOST_IDS", 2)
    with closing(case.open()) as horizon:
        assert list(following(horizon, horizon.begin("beginning"))[0].values()) == [1] * 5
