import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifact_of_run import RunContext, check_run, run_export
from export_pipelines.artifacts import Manifest, Store, verify
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.export import Limits, Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.errors import LimitReached, LostRun, RetryableError, SourceError, StoreError
from export_pipelines.ledger import RunLeases
from export_pipelines.mask.keys import Keys
from export_pipelines.pipeline import deliver, destinations_of, write_window
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.plan.plan import Plan, schema_hash
from export_pipelines.read.open_source import open_source
from export_pipelines.run.observer import Run
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.pipeline_rows import Breaking, leads_of, nothing_in, rows_in
from export_pipelines_tests.run.heard import Heard
from export_pipelines_tests.run.whole_run import DAY, FIELDS, LEADS, NOW, plan_of, sample_url, token

Make = Callable[..., Manifest]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_url(tmp_path_factory.mktemp("source"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", at=NOW)


@pytest.fixture
def store(desk: Desk) -> Store:
    return desk.store


@pytest.fixture
def run(url: str, store: Store) -> Iterator[Make]:
    tokens = iter(range(1, 100))

    def run(plan: Plan | None = None, **options: Any) -> Manifest:
        return run_export(
            plan or plan_of(),
            RunContext(open_source(url), store, Keys(), lambda: NOW),
            token(next(tokens)),
            **options,
        )

    yield run


def test_every_lead_of_the_day_is_in_the_parts_in_order(run: Make, store: Store, url: str) -> None:
    rows = rows_in(store, run())
    assert [row["lead_id"] for row in rows] == leads_of(url)


def test_the_manifest_describes_what_is_there(run: Make, store: Store) -> None:
    plan = plan_of()
    manifest = run(plan)
    assert manifest == store.manifest(manifest.artifact) and verify(store, manifest.artifact) == []
    assert manifest.artifact == f"daily/{DAY}/{token(1)}"
    assert (manifest.rows, [part.rows for part in manifest.parts]) == (LEADS, [300, 300, 300, 100])
    assert [part.name for part in manifest.parts] == [f"leads_part_{n}.csv" for n in (1, 2, 3, 4)]
    assert [column.id for column in manifest.columns] == list(FIELDS)
    assert {part.window for part in manifest.parts} == {manifest.window}
    assert (manifest.window.key, manifest.created_at) == (DAY, NOW)
    assert (manifest.fingerprint, manifest.schema_hash) == (
        fingerprint(plan),
        schema_hash(plan.masking.columns),
    )
    assert (manifest.format, manifest.codec, manifest.media_type) == ("csv", "none", "text/csv")
    assert manifest.seconds.keys() >= {"extract", "mask", "encode", "store"}


def test_the_manifest_counts_values_that_read_as_null(run: Make, store: Store) -> None:
    states = [row["state"] for row in rows_in(store, run(plan_of(fields=("lead_id", "state"))))]
    marked = Format(name="csv", options={"null_marker": "TX"})
    manifest = run(plan_of(fields=("lead_id", "state"), format=marked))
    assert store.manifest(manifest.artifact).like_null == {"state": states.count("TX")} != {"state": 0}
    objects = plan_of(fields=("lead_id", "state"), format=Format(name="ndjson"))
    assert "like_null" not in run(objects).model_dump()


def test_the_manifest_counts_numbers_that_a_sheet_holds_as_text(store: Store, tmp_path: Path) -> None:
    url = sample_url(tmp_path)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE leads SET price = 12345678901234567 WHERE rowid % 100 = 0")
    plan = plan_of(fields=("lead_id", "price"), format=Format(name="xlsx"))
    manifest = run_export(plan, RunContext(open_source(url), store, Keys(), lambda: NOW), token(1))
    assert store.manifest(manifest.artifact).as_text == {"price": LEADS // 100}


@pytest.mark.parametrize("codec", ["none", "gzip", "zip", "zstd"])
def test_the_same_run_again_is_a_new_artifact_of_the_same_bytes(run: Make, codec: str) -> None:
    plan = plan_of(compression=Compression(codec=codec))
    first, two = run(plan), run(plan)
    assert first.artifact != two.artifact
    assert first.parts == two.parts


def test_an_empty_day_is_an_artifact_too(run: Make, store: Store) -> None:
    manifest = run(plan_of(day="2024-02-01"))
    assert (manifest.rows, len(manifest.parts)) == (0, 1)
    assert rows_in(store, manifest) == [] and verify(store, manifest.artifact) == []


def test_an_observer_hears_of_every_row_in_every_stage(run: Make) -> None:
    heard = Heard()
    manifest = run(observer=heard)
    assert (heard.calls[0], heard.calls[-1]) == ("started", "finished")
    assert heard.runs == [Run(manifest.export, manifest.window.key, manifest.artifact)]
    rows = heard.rows_of("encode")
    assert rows == sorted(rows)
    assert {heard.rows_of(stage)[-1] for stage in ("extract", "mask", "encode", "store")} == {LEADS}
    assert [part.name for part in heard.parts] == [part.name for part in manifest.parts]


def test_an_observer_hears_that_a_run_failed(run: Make) -> None:
    heard = Heard()
    with pytest.raises(LimitReached) as error:
        run(plan_of(limits=Limits(rows=LEADS - 1)), observer=heard)
    assert (heard.calls, heard.errors) == (["started", "failed"], [error.value])


# --- schema versions -----------------------------------------------------------------------------------------


def test_equal_columns_keep_the_schema_version(run: Make) -> None:
    first, second = run(), run(plan_of(day="2024-01-16"))
    assert [(manifest.schema_version, manifest.schema_changed) for manifest in (first, second)] == [
        (1, False),
        (1, False),
    ]


def test_changed_columns_raise_the_schema_version_once(run: Make) -> None:
    run()
    fewer = plan_of(fields=FIELDS[:-1], contract="free")
    changed, after = run(fewer), run(fewer)
    assert (changed.schema_version, changed.schema_changed) == (2, True)
    assert (after.schema_version, after.schema_changed) == (2, False)


def test_another_export_has_schema_versions_of_its_own(run: Make) -> None:
    run()
    other = run(plan_of(name="other", fields=FIELDS[:-1]))
    assert (other.schema_version, other.schema_changed) == (1, False)


# --- what goes wrong leaves nothing --------------------------------------------------------------------------


def test_more_rows_than_the_limit_is_told_before_anything_is_written(run: Make, tmp_path: Path) -> None:
    with pytest.raises(
        LimitReached, match=r"1,000 rows match, the limit is 999; nothing was written .*smaller"
    ):
        run(plan_of(limits=Limits(rows=999)))
    assert not (tmp_path / "home" / "artifacts").exists()


def test_exactly_as_many_rows_as_the_limit_are_written(run: Make) -> None:
    assert run(plan_of(limits=Limits(rows=LEADS))).rows == LEADS


def test_more_bytes_than_the_limit_stop_the_run_and_leave_nothing(run: Make, tmp_path: Path) -> None:
    with pytest.raises(LimitReached):
        run(plan_of(limits=Limits(bytes=20_000)))
    assert nothing_in(tmp_path / "home" / "artifacts")


def test_a_source_without_the_table_is_told_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    source = open_source(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(SourceError, match="leads"):
        run_export(plan_of(), RunContext(source, store, Keys(), lambda: NOW), token(1))
    assert not (tmp_path / "home" / "artifacts").exists()


@pytest.mark.parametrize(
    "error", [SourceError("the connection broke"), StoreError("full"), RuntimeError("bug")]
)
def test_any_error_in_the_middle_leaves_nothing(
    store: Store, tmp_path: Path, url: str, error: Exception
) -> None:
    with pytest.raises(type(error), match=str(error)):
        run_export(plan_of(), RunContext(Breaking(url, error), store, Keys(), lambda: NOW), token(1))
    assert nothing_in(tmp_path / "home" / "artifacts") and store.manifests() == []


def test_fewer_rows_than_counted_are_never_a_success(store: Store, tmp_path: Path, url: str) -> None:
    with pytest.raises(RetryableError, match="1,001 rows were counted, only 1,000 were read"):
        run_export(plan_of(), RunContext(Breaking(url, None), store, Keys(), lambda: NOW), token(1))
    assert nothing_in(tmp_path / "home" / "artifacts")


def test_a_failed_run_leaves_earlier_artifacts_whole(run: Make, store: Store, url: str) -> None:
    manifest = run()
    with pytest.raises(RuntimeError):
        run_export(
            plan_of(), RunContext(Breaking(url, RuntimeError()), store, Keys(), lambda: NOW), token(90)
        )
    assert store.manifests() == [manifest] and verify(store, manifest.artifact) == []


def test_a_run_sweeps_what_killed_runs_left(run: Make, store: Store, tmp_path: Path) -> None:
    killed = tmp_path / "home" / "artifacts" / "daily" / DAY / token(999)
    killed.mkdir(parents=True)
    (killed / "leads_part_1.csv").write_bytes(b"x")
    manifest = run()
    assert not killed.exists() and store.manifests() == [manifest]


def test_check_run_tells_the_rows_to_come(url: str) -> None:
    assert check_run(plan_of(), open_source(url)) == LEADS


# --- deliver -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "codec"), [("csv", "gzip"), ("json", "none"), ("parquet", "none")])
def test_an_artifact_is_delivered_where_its_plan_says(
    run: Make, desk: Desk, store: Store, format: Any, codec: Any
) -> None:
    plan = plan_of(format=Format(name=format), compression=Compression(codec=codec), split=Split(rows=400))
    manifest = run(plan)
    (entry,) = destinations_of(plan, manifest)
    receipt = desk.send(manifest, entry)
    folder = desk.home / "delivered" / "backup" / DAY
    assert receipt.files == (*(part.name for part in manifest.parts), "daily.manifest.json")
    assert sorted(path.name for path in folder.iterdir()) == sorted(receipt.files)
    for part in manifest.parts:
        with store.open(manifest.artifact, part.name) as file:
            assert (folder / part.name).read_bytes() == file.read()


def test_skip_empty_delivers_only_what_has_rows(run: Make) -> None:
    plan = plan_of(skip_empty=True)
    manifest = run(plan)
    assert destinations_of(plan, manifest.model_copy(update={"rows": 0})) == ()
    assert len(destinations_of(plan, manifest)) == 1


def test_an_empty_artifact_is_delivered_unless_skip_empty_is_said(run: Make) -> None:
    assert len(destinations_of(plan_of(), run().model_copy(update={"rows": 0}))) == 1


def test_several_destinations_each_get_the_artifact(run: Make, desk: Desk) -> None:
    paths = ["a/{{date}}", "b/{{date}}"]
    plan = plan_of(deliver=tuple(FolderSettings(path=path) for path in paths))
    manifest = run(plan)
    due = desk.ledger.register(manifest, destinations_of(plan, manifest), "run", NOW)
    receipts = [deliver(delivery.id, desk.ledger, desk.resources, lambda: NOW, "run") for delivery in due]
    assert [Path(receipt.target).relative_to(desk.home / "delivered").parts[0] for receipt in receipts] == [
        "a",
        "b",
    ]
    assert receipts[0].sha256 == receipts[1].sha256


def test_a_run_that_has_lost_its_lease_leaves_no_artifact(
    url: str, store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, context = RunLeases(desk.ledger.engine), RunContext(open_source(url), store, Keys(), lambda: NOW)
    leases.take("a", "a", "host:1")
    leases.take("b", "a", "host:2")
    with pytest.raises(LostRun):
        write_window(plan_of(), context, desk.ledger, token(1), run_id="a")
    assert store.is_empty()
    monkeypatch.setattr(RunLeases, "require", lambda *_: None)  # it is lost between the commit and the ledger
    with pytest.raises(LostRun):
        write_window(plan_of(), context, desk.ledger, token(2), run_id="a")
    assert store.is_empty() and desk.ledger.deliveries() == []
    manifest, _ = write_window(plan_of(), context, desk.ledger, token(3), run_id="b")
    assert [kept.artifact for kept in store.manifests()] == [manifest.artifact]
