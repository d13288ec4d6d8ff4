"""Which set a run in `mode: changes` compares its rows with, and what may be delivered after what."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import ROW_DIGESTS_NAME, Manifest, verify
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.mode import Changes
from export_pipelines.errors import BaseReplaced, RequestError, SettingsError
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window import window_between
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.run.changes.reader import Reader
from export_pipelines_tests.run.changes.series import KEYS, OUT, SECOND, Series, figures, why_full
from export_pipelines_tests.run.whole_run import LEADS, NOW, plan_of, sample_url, token


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return Series(Desk(tmp_path / "home", at=NOW), sample_url(tmp_path))


def test_the_first_is_the_full_set_and_the_next_has_what_changed(series: Series) -> None:
    first = series.run()
    assert why_full(first) == "no set before has been delivered" and figures(first)[1:] == (LEADS, 0, 0)
    series.change(3)
    series.ask("DELETE FROM leads WHERE rowid IN (5, 6)")
    second = series.run()
    assert figures(second) == (first.artifact, 0, 3, 2) and second.rows == 5
    assert second.changes and second.changes.set_rows == LEADS - 2
    assert figures(series.run()) == (second.artifact, 0, 0, 0)


def test_the_file_of_digests_stays_in_the_store(series: Series) -> None:
    manifest = series.run()
    stored = series.desk.home / "artifacts" / manifest.artifact / ROW_DIGESTS_NAME
    assert stored.is_file() and verify(series.desk.store, manifest.artifact) == []
    arrived = {path.name for path in (series.desk.home / "delivered").rglob("*") if path.is_file()}
    assert arrived == {*(part.name for part in manifest.parts), "daily.manifest.json"}
    assert "row_digests" not in manifest.as_delivered().to_json().decode()
    stored.write_bytes(stored.read_bytes()[:-1])
    assert [fault.partition(":")[0] for fault in verify(series.desk.store, manifest.artifact)] == [
        ROW_DIGESTS_NAME
    ]
    assert "cannot be read" in why_full(series.run())


def test_what_was_not_delivered_is_no_base(series: Series) -> None:
    first = series.run()
    series.change(2)
    series.write()
    series.change(1)
    assert figures(series.run()) == (first.artifact, 0, 2, 0)


def test_what_was_committed_and_not_registered_is_no_base(series: Series) -> None:
    plan = series.plan(deliver=())
    first = series.run(plan)
    series.change(2)
    context = RunContext(open_source(series.url), series.desk.store, KEYS, lambda: NOW)
    run_export(plan, context, token(99))
    assert figures(series.run(plan)) == (first.artifact, 0, 2, 0)


def test_an_attempt_that_failed_may_have_arrived(series: Series) -> None:
    series.run()
    series.change(1)
    second, (id,) = series.write()
    out = series.desk.home / "delivered" / "out"
    out.rename(out.with_name("aside"))
    out.write_text("in the way")
    with pytest.raises(Exception, match="out"):
        series.send(id)
    out.unlink()
    out.with_name("aside").rename(out)
    third = series.run()
    assert why_full(third) == f"{second.artifact} was tried at destination 1 (folder) and may have arrived"
    with pytest.raises(RequestError, match="a newer artifact has taken the place"):
        series.send(id)
    assert figures(series.run()) == (third.artifact, 0, 0, 0)


def test_a_failed_delivery_is_tried_again_as_long_as_nothing_newer_arrived(series: Series) -> None:
    first = series.run()
    series.change(1)
    second, (id,) = series.write()
    series.send(id)
    assert figures(second)[0] == first.artifact
    series.change(2)
    third, _ = series.write()
    series.send(id, again=True)
    assert figures(third)[0] == second.artifact


def test_of_two_runs_with_one_base_the_second_to_arrive_is_refused(series: Series) -> None:
    series.run()
    series.change(2)
    _, (of_second,) = series.write()
    third, (of_third,) = series.write()
    with pytest.raises(RequestError, match="a newer artifact has taken the place"):
        series.send(of_second)
    series.send(of_third)
    with pytest.raises(RequestError, match=f"{third.artifact} arrived there since"):
        series.send(of_second, again=True)
    assert figures(series.run())[0] == third.artifact


def test_a_set_that_arrived_before_may_arrive_again_and_is_the_last_then(series: Series) -> None:
    first, (of_first,) = series.write()
    series.send(of_first)
    series.change(2)
    series.run()
    series.send(of_first, again=True)
    assert figures(series.run()) == (first.artifact, 0, 2, 0)


@pytest.mark.parametrize("destinations", [(), (OUT,)])
def test_a_run_whose_base_was_replaced_meanwhile_leaves_nothing(
    series: Series, destinations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = series.plan(deliver=destinations)
    series.run(plan)
    series.change(2)
    source = open_source(series.url)
    count = type(source).count
    other: list[Manifest] = []

    def count_after_another_run(self: Any, query: Any) -> int:
        monkeypatch.undo()
        other.append(series.run(plan))
        return int(count(self, query))

    monkeypatch.setattr(type(source), "count", count_after_another_run)
    with pytest.raises(BaseReplaced):
        series.run(plan)
    assert len(series.desk.store.manifests()) == 2
    assert figures(series.run(plan)) == (other[0].artifact, 0, 0, 0)


def test_a_new_destination_gets_the_full_set(series: Series) -> None:
    first = series.run()
    second = series.run(series.plan(deliver=(OUT, SECOND)))
    assert why_full(second) == f"{first.artifact} has not arrived at destination 2 (folder)"
    third = series.run(series.plan(deliver=(OUT, SECOND)))
    assert figures(third)[0] == second.artifact
    entry = FolderSettings(path="third/{{run}}").stored()
    with pytest.raises(RequestError, match=f"{second.artifact} never arrived there"):
        series.desk.send(third, entry)
    failed = [
        each for each in series.desk.ledger.deliveries(artifact=third.artifact) if each.state == "failed"
    ]
    assert len(failed) == 1 and failed[0].attempts == 0


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "columns": ({"fields": ("lead_id", "price", "outcome")}, "the columns have changed since"),
    "masks": ({"privacy": {"email": "hash", "comments": "redact"}}, "the columns have changed since"),
    "order": ({"sort": ("price",)}, "the export has changed since"),
    "version": ({"version": 2}, "the export has changed since"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_export_gives_the_full_set_and_says_why(series: Series, name: str) -> None:
    changes, why = CHANGED[name]
    first = series.run()
    plan = series.plan(**{"contract": "free", **changes})
    second = series.run(plan)
    assert why_full(second) == f"{why} {first.artifact}"
    assert figures(series.run(plan))[0] == second.artifact


def test_one_of_so_many_is_a_full_set(series: Series) -> None:
    plan = series.plan(changes=Changes(full="every 3"))
    full = [series.run(plan).changes for _ in range(7)]
    assert [changes and changes.full for changes in full] == [
        "no set before has been delivered", None, None, "every 3 artifacts, as the export says", None, None,
        "every 3 artifacts, as the export says",
    ]  # fmt: skip


def test_windows_of_a_partitioned_export_are_series_of_their_own(series: Series) -> None:
    first = series.run()
    assert "no set before" in why_full(series.run(series.plan(day="2024-01-14")))
    assert figures(series.run())[0] == first.artifact


def test_runs_without_partitions_are_one_series_whatever_their_windows(series: Series) -> None:
    plan = series.plan(day=None, partition=None)
    window = window_between("2024-01-15T12:00:00Z", "2024-01-16")
    first = series.run(plan)
    shorter = plan.model_copy(update={"extract": plan.extract.model_copy(update={"window": window})})
    assert figures(series.run(shorter))[0] == first.artifact  # the query is that of the first


def test_an_empty_difference_is_skipped_and_an_empty_set_is_not(series: Series) -> None:
    plan = series.plan(skip_empty=True)
    first, (id,) = series.write(plan)
    series.send(id)
    empty, due = series.write(plan)
    assert due == [] and empty.rows == 0 and empty.parts == ()
    assert verify(series.desk.store, empty.artifact) == []
    assert series.write(plan)[1] == []  # as on every quiet day
    series.change(1)
    assert figures(series.run(plan)) == (first.artifact, 0, 1, 0)
    series.ask("DELETE FROM leads")
    gone = series.run(plan)
    assert figures(gone)[1:] == (0, 0, LEADS)
    other = series.plan(skip_empty=True, version=2, contract="free")
    assert len(series.write(other)[1]) == 1


def test_an_erased_or_expired_set_is_no_base(series: Series) -> None:
    first = series.run()
    shutil.rmtree(series.desk.home / "artifacts" / first.artifact)
    assert f"the set before, {first.artifact}, cannot be read" in why_full(series.run())


def test_a_renamed_export_keeps_its_series(series: Series) -> None:
    first = series.run()
    series.desk.ledger.renamed("daily", "renamed")
    series.change(1)
    assert figures(series.run(series.plan(name="renamed")))[:3] == (first.artifact, 0, 1)


def test_a_clock_that_was_set_back_changes_nothing(series: Series) -> None:
    first = series.run()
    series.desk.at -= timedelta(days=1)
    series.change(1)
    second = series.run()
    assert figures(second)[0] == first.artifact
    assert figures(series.run())[0] == second.artifact


def test_readers_apply_what_arrives(series: Series) -> None:
    reader = Reader(series.desk.home / "delivered")
    for rows in (0, 5, 0, 2):
        series.change(rows)
        series.run()
        reader.catch_up()
    assert len(reader.rows) == LEADS


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "without the key": ({"fields": ("email", "price")}, RequestError, "lead_id, which is not exported"),
    "equal keys": (
        {"privacy": {"lead_id": "mask", "direct": "redact"}},
        RequestError,
        "mask makes ids equal",
    ),
    "no hash key": ({"keys": {}}, SettingsError, "mode: .*HASH_KEY"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_plan_that_cannot_tell_rows_apart_is_refused(series: Series, name: str) -> None:
    changes, error, text = REFUSED[name]
    plan: Callable[..., Plan] = plan_of
    with pytest.raises(error, match=text):
        plan(**{"keys": KEYS.names, "changes": Changes(), **changes})
