"""Streams in the ledger: one holder, a cursor that only the holder moves, counts, objects and dead letters."""

from datetime import timedelta

import pytest

from export_pipelines.errors import LostLease
from export_pipelines.ledger import Ledger, Progress, Streams
from export_pipelines.ledger.streams import DeadRecord, StreamObject
from export_pipelines_tests.artifacts.build import AT

CURSOR = {"format": 1, "position": {"key": 7}}


def streams_of(ledger: Ledger) -> Streams:
    return Streams(ledger.engine, ledger.locks)


def test_one_holder_at_a_time(ledger: Ledger) -> None:
    streams = streams_of(ledger)
    with streams.lease("live", "first", AT) as lease:
        assert lease is not None and lease.state().holder == "first"
        with streams.lease("live", "second", AT) as other:
            assert other is None
        with streams.lease("another", "second", AT) as other:
            assert other is not None
    with streams.lease("live", "second", AT) as lease:
        assert lease is not None and lease.number == 2
    assert streams.state("live").holder is None


def test_a_cursor_moves_with_what_was_sent(ledger: Ledger) -> None:
    streams = streams_of(ledger)
    stored = StreamObject("live/1.ndjson.gz", 1, 3, 3, 90, "ab" * 32, AT)
    dead = DeadRecord(4, "65a5c2de973ceb3ffd0000c5", "over the limit", AT)
    with streams.lease("live", "first", AT) as lease:
        assert lease is not None
        lease.begin(CURSOR, AT)
        lease.intend([{"key": "live/1.ndjson.gz"}], AT)
        assert lease.state().intentions == [{"key": "live/1.ndjson.gz"}]
        grown = {"sent": 3, "bytes": 90, "batches": 1, "late": 1}
        for _ in range(2):
            lease.advance(Progress({"format": 1}, 5, grown, AT, stored, [dead]), AT)
        assert lease.unlisted() == [stored]
        lease.listed([stored.place])
        assert lease.unlisted() == []
    state = streams.state("live")
    assert (state.cursor, state.intentions, state.sequence) == ({"format": 1}, [], 5)
    assert (state.sent, state.bytes, state.batches, state.late, state.doubtful) == (6, 180, 2, 2, 0)
    assert state.newest == AT
    assert streams.dead_letters("live") == [dead]


def test_who_has_lost_the_lease_changes_nothing(ledger: Ledger) -> None:
    """As after a connection that broke unseen: the lock is free, and the first holder still lives."""
    streams = streams_of(ledger)
    with streams.lease("live", "first", AT) as first:
        assert first is not None
        first.begin(CURSOR, AT)
        second = streams._taken("live", "second", AT)
        for change in (
            lambda: first.begin({}, AT),
            lambda: first.intend([{}], AT),
            lambda: first.advance(Progress({}, 9), AT),
            lambda: first.use_schema("other", AT),
            lambda: first.note_error("broken", AT),
            lambda: first.beat(AT),
            first.state,
        ):
            with pytest.raises(LostLease, match="another process runs the stream now"):
                change()
        assert second.state().cursor == CURSOR
    state = streams.state("live")
    assert (state.holder, state.sequence, state.error) == ("second", 1, None)


def test_a_schema_that_changes_is_a_new_version(ledger: Ledger) -> None:
    with streams_of(ledger).lease("live", "first", AT) as lease:
        assert lease is not None
        assert [lease.use_schema(schema, AT) for schema in ("a", "a", "b", "a")] == [1, 1, 2, 3]


def test_a_pause_and_a_wish_are_seen_by_the_holder(ledger: Ledger) -> None:
    streams = streams_of(ledger)
    with streams.lease("live", "first", AT) as lease:
        assert lease is not None
        streams.want("live", "second")
        assert lease.state().wanted_by == "second"
        streams.pause("live", "ana", AT + timedelta(minutes=1))
        assert lease.state().paused_by == "ana"
    streams.resume("live")
    with streams.lease("live", "third", AT):
        state = streams.state("live")
        assert (state.paused_at, state.wanted_by, state.holder) == (None, None, "third")


def test_a_renamed_stream_keeps_its_cursor(ledger: Ledger) -> None:
    streams = streams_of(ledger)
    with streams.lease("live", "first", AT) as lease:
        assert lease is not None
        lease.begin(CURSOR, AT)
    ledger.renamed("live", "events_live")
    assert streams.state("events_live").cursor == CURSOR and streams.state("live").cursor is None
