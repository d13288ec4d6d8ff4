"""Streams by a replication slot: who makes the slot and who drops it, what it keeps, and how a stream begins again that lost it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from export_pipelines.check.check_all import check_all
from export_pipelines.errors import RequestError
from export_pipelines.kept_slots import kept_slots
from export_pipelines.ledger import Ledger, Streams
from export_pipelines.ledger.alert import open_alerts
from export_pipelines.project_streams import run_stream
from export_pipelines.status.slots import slots as slots_status
from export_pipelines.streaming import runner
from export_pipelines.streaming.horizons.slots import Slots, SlotState
from export_pipelines_tests.streaming.live import NAME, Live
from export_pipelines_tests.streaming.test_stream import catch_up, state_of

FILL = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 6000)"  # about 6 MB of WAL


@contextmanager
def slots_of(live: Live) -> Iterator[Slots]:
    with closing(Slots(live.database.url)) as slots:
        yield slots


def slots_there(live: Live) -> list[SlotState]:
    with slots_of(live) as slots:
        return slots.all()


def bounded(live: Live, exceeded: str) -> None:
    live.database.execute("CREATE TABLE IF NOT EXISTS filler (x text)")
    live.sink += f"\n  wal: {{limit: 5 MB, exceeded: {exceeded}}}"
    live.write()


def ids_at_sink(live: Live) -> list[str]:
    return [record["id"] for record in live.records()]


def test_a_stream_makes_one_slot_and_moves_it_on(slot_to_s3: Live) -> None:
    live = slot_to_s3
    code, out, _ = live.call("slots", "--json")
    assert code == 0 and json.loads(out) == []
    ids = live.insert(1, 30)
    catch_up(live)
    (first,) = slots_there(live)
    assert first.name.startswith(f"export_pipelines_{NAME}_") and not first.is_active
    ids += live.insert(31, 5)
    catch_up(live)
    (second,) = slots_there(live)
    assert second.name == first.name and (second.confirmed or 0) > (first.confirmed or 0)
    assert ids_at_sink(live) == ids


def test_check_says_what_is_needed_and_kept(slot_to_s3: Live) -> None:
    live = slot_to_s3
    assert any(
        "replication slot" in text and "beyond 10.0 GB an alert is raised" in text for text in checked(live)
    )
    live.database.execute("DROP PUBLICATION exports")
    assert any("CREATE PUBLICATION exports FOR TABLE events (event_id)" in text for text in checked(live))
    assert slots_there(live) == []


def checked(live: Live) -> list[str]:
    project = live.project
    faults = check_all(
        project.settings, project.catalog, project.loaded, connect=True, environment=live.environment
    )
    return [fault.text for fault in faults]


def test_a_lost_slot_ends_the_stream_until_a_person_begins_it_again(slot_to_s3: Live) -> None:
    live = slot_to_s3
    first = live.insert(1, 10)
    catch_up(live)
    with slots_of(live) as slots:
        slots.drop(slots_there(live)[0].name)
    live.insert(11, 10)
    for _ in range(2):
        code, _, said = live.call(NAME, "--until-caught-up")
        assert code == 2 and "is gone: rows that were written since are missing" in said
        assert "export-pipelines stream restart NAME --from" in said
    assert "is gone" in str(state_of(live).error)
    code, _, said = live.call("restart", NAME, "--from", "now")
    assert code == 0, said
    later = live.insert(21, 10)
    catch_up(live)
    assert ids_at_sink(live) == [*first, *later]
    assert [record["sequence"] for record in live.records()] == list(range(1, 21))
    assert len(slots_there(live)) == 1


def test_a_restart_replaces_the_slot_and_sends_from_a_time(slot_to_s3: Live) -> None:
    live = slot_to_s3
    live.insert(1, 5, datetime.now(UTC) - timedelta(days=9))
    first = live.insert(6, 5)
    catch_up(live)
    (slot,) = slots_there(live)
    code, _, said = live.call("restart", NAME, "--from", f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}")
    assert code == 0, said
    (again,) = slots_there(live)
    assert again.name != slot.name
    catch_up(live)
    assert ids_at_sink(live)[10:] == first
    assert [record["sequence"] for record in live.records()] == list(range(1, 16))


def test_a_way_to_find_rows_can_be_changed_by_a_restart(slot_to_s3: Live) -> None:
    live = slot_to_s3
    live.insert(1, 5)
    catch_up(live)
    (live.folder / "catalog.yaml").write_text("extends: shipped\ndatasets: {}\n", encoding="utf-8")
    live.sink += "\n  settle: 1 s"
    live.write()
    with pytest.raises(RequestError, match="has come so far in events by replication slot") as error:
        catch_up(live)
    assert f"export-pipelines stream restart {NAME} --from TIME" in str(error.value)
    assert live.call("restart", NAME, "--from", "now")[0] == 0
    assert slots_there(live) == []
    catch_up(live)


def test_a_replay_leaves_no_slot(slot_to_s3: Live) -> None:
    live = slot_to_s3
    live.insert(1, 5, datetime.now(UTC) - timedelta(days=9))
    ids = live.insert(6, 5)
    catch_up(live)
    before = slots_there(live)
    code, _, said = live.call(
        "replay",
        NAME,
        "--from",
        f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}",
        "--to",
        "again/{{hour}}/",
    )
    assert code == 0, said
    assert [slot.name for slot in slots_there(live)] == [slot.name for slot in before]
    assert sorted(ids_at_sink(live)[-5:]) and sorted(ids_at_sink(live)).count(ids[0]) == 2


def test_the_slot_of_a_stream_that_is_defined_no_longer_is_shown_and_dropped(slot_to_s3: Live) -> None:
    live = slot_to_s3
    live.insert(1, 5)
    catch_up(live)
    with slots_of(live) as slots:
        slots.create("export_pipelines_elsewhere_00000000", 5)
    (live.folder / "exports" / f"{NAME}.yaml").unlink()
    part = slots_status(live.project, datetime.now(UTC))
    texts = {finding.text: (finding.tone, finding.then) for finding in part.findings}
    (elsewhere,) = (text for text in texts if "elsewhere" in text)
    (ours,) = (text for text in texts if text.startswith(NAME))
    assert texts[elsewhere] == (
        "note",
        "if no other project reads it: SELECT pg_drop_replication_slot('export_pipelines_elsewhere_00000000')",
    )
    assert "is defined no longer, and its replication slot keeps" in ours
    assert texts[ours] == ("bad", f"export-pipelines stream drop-slot {NAME}")
    code, out, _ = live.call("slots", "--json")
    shown = {slot["stream"]: slot for slot in json.loads(out)}
    assert code == 0 and shown.keys() == {NAME, None} and not shown[NAME]["is_defined"]
    assert live.call("drop-slot", NAME)[0] == 0
    assert [slot.name for slot in slots_there(live)] == ["export_pipelines_elsewhere_00000000"]
    code, _, said = live.call("drop-slot", NAME)
    assert code == 2 and "has no replication slot" in said


def test_a_slot_that_keeps_too_much_raises_an_alert_while_rows_are_sent(
    slot_to_s3: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = slot_to_s3
    monkeypatch.setattr(runner, "BEAT_S", 0.5)
    bounded(live, "alert")
    catch_up(live)
    with closing(live.database.connect()) as opened:  # by which the server keeps all that comes
        live.database.insert(opened.cursor(), "0" * 24)
        live.database.execute(FILL)
        ids = live.insert(1, 5)
        run_stream(live.project, NAME, seconds=4)
        assert ids_at_sink(live) == ids
    (alert,) = alerts_of(live.project.ledger)
    assert "more than the limit of 5.0 MB" in alert and "more than the limit" in str(state_of(live).error)


def test_a_slot_of_a_stream_that_stands_still_is_dropped_by_the_sweep_where_that_is_said(
    slot_to_s3: Live,
) -> None:
    live = slot_to_s3
    bounded(live, "alert")
    live.insert(1, 5)
    catch_up(live)
    live.database.execute(FILL)
    (slot,) = kept_slots(live.project)
    assert slot.is_over_limit and slot.remedy.startswith("let it run")
    assert swept(live) == []
    assert alerts_of(live.project.ledger) == [slot.fault]
    live.sink = live.sink.replace("exceeded: alert", "exceeded: drop")
    live.write()
    assert swept(live) == [slot.state.name]
    assert slots_there(live) == []
    _, alert = alerts_of(live.project.ledger)
    assert "it was dropped, as `wal` of the export says" in alert
    with pytest.raises(RequestError, match="is gone"):
        catch_up(live)


def test_a_slot_that_its_stream_moved_on_before_the_sweep_has_the_lease_is_kept(
    slot_to_s3: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = slot_to_s3
    bounded(live, "alert")
    live.insert(1, 5)
    catch_up(live)
    live.database.execute(FILL)
    ids, lease = live.insert(6, 5), Streams.lease

    def lease_behind_the_stream(*arguments: Any) -> Any:
        monkeypatch.undo()
        live.sink = live.sink.replace("exceeded: drop", "exceeded: alert")
        live.write()
        while kept_slots(live.project)[0].is_over_limit:  # the server lets go of WAL by its own steps
            live.database.execute("SELECT pg_log_standby_snapshot()")
            ids.extend(live.insert(6 + len(ids), 1))
            catch_up(live)
        return lease(*arguments)

    live.sink = live.sink.replace("exceeded: alert", "exceeded: drop")
    live.write()
    (slot,) = kept_slots(live.project)
    assert slot.is_to_drop
    monkeypatch.setattr(Streams, "lease", lease_behind_the_stream)
    assert swept(live) == []
    assert [state.name for state in slots_there(live)] == [slot.state.name]
    assert ids_at_sink(live)[5:] == ids


def swept(live: Live) -> list[str]:
    from export_pipelines.kept_slots import sweep_slots

    return list(sweep_slots(live.project))


def alerts_of(ledger: Ledger) -> list[str]:
    with ledger.engine.begin() as connection:
        return [alert.text for alert in open_alerts(connection)]
