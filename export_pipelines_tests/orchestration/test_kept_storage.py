"""The storage of the terminal's runs leaves what Dagster's own would leave, where Dagster's own finds it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import DatabaseError

from export_pipelines.orchestration.kept_events import GROUP_S, OPEN_RUNS
from export_pipelines.orchestration.kept_storage import instance_from

PATIENCE_S = 60.0


@dg.asset
def number() -> int:
    return 1


DAYS = dg.DailyPartitionsDefinition("2024-01-01", "2024-01-04")
CHECK_ROWS = """
    SELECT checks.asset_key, check_name, checks.partition, execution_status, materialization_event_storage_id,
        evaluation_event = event, evaluation_event_timestamp = timestamp, dagster_event_type
    FROM asset_check_executions AS checks JOIN event_logs ON event_logs.id = evaluation_event_storage_id
    WHERE checks.run_id = ? ORDER BY check_name, checks.partition"""

REFUSED = """
    CREATE TRIGGER refused BEFORE INSERT ON event_logs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"""


def checked_asset() -> dg.AssetsDefinition:
    """With a check for each partition, and one of all."""

    @dg.asset(
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec("small", asset="checked", partitions_def=DAYS),
            dg.AssetCheckSpec("whole", asset="checked"),
        ],
    )
    def checked(context: dg.AssetExecutionContext) -> Iterator[Any]:
        for day in context.partition_keys:
            yield dg.AssetCheckEvaluation(
                asset_key=checked.key, check_name="small", passed=day != "2024-01-02", partition=day
            )
        yield dg.AssetCheckEvaluation(asset_key=checked.key, check_name="whole", passed=True)
        yield dg.MaterializeResult()

    return checked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = f"storage: {{sqlite: {{base_dir: {tmp_path / 'state'}}}}}\ntelemetry: {{enabled: false}}\n"
    (tmp_path / "dagster.yaml").write_text(config, encoding="utf-8")
    return tmp_path


def ran(instance: dg.DagsterInstance) -> str:
    return dg.materialize([number], instance=instance).run_id


def ran_checked(instance: dg.DagsterInstance) -> str:
    ends = {
        "dagster/asset_partition_range_start": "2024-01-01",
        "dagster/asset_partition_range_end": "2024-01-03",
    }
    return dg.materialize([checked_asset()], instance=instance, tags=ends, raise_on_error=False).run_id


def check_rows(folder: Path, run: str) -> list[tuple[Any, ...]]:
    """Those of a run, without its id; and whether each holds the event that it names."""
    with index_of(folder) as index:
        return index.execute(CHECK_ROWS, [run]).fetchall()


@contextmanager
def index_of(folder: Path) -> Iterator[sqlite3.Connection]:
    """What Dagster asks across runs."""
    with closing(sqlite3.connect(folder / "state" / "history" / "runs" / "index.db")) as connection:
        yield connection


def events(instance: dg.DagsterInstance, run: str) -> list[str]:
    return [str(entry.dagster_event_type) for entry in instance.all_logs(run)]


def schema(file: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        schema = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        (journal,) = connection.execute("PRAGMA journal_mode").fetchall()
    return {*schema, version, journal}


def test_the_same_events_and_tables_as_by_dagster_itself(folder: Path) -> None:
    with instance_from(str(folder)) as kept:
        by_kept = ran(kept)
    with dg.DagsterInstance.from_config(str(folder)) as plain:
        by_plain = ran(plain)
        assert events(plain, by_kept) == events(plain, by_plain) != []
        assert plain.get_run_by_id(by_kept).status is dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]
        records = plain.fetch_materializations(number.key, limit=9).records
        assert [record.run_id for record in records] == [by_plain, by_kept]
        assert set(plain.event_log_storage.get_all_run_ids()) == {by_kept, by_plain}  # type: ignore[attr-defined]
    runs = folder / "state" / "history" / "runs"
    assert schema(runs / f"{by_kept}.db") == schema(runs / f"{by_plain}.db")


@pytest.mark.filterwarnings("ignore")  # of Dagster, of what is in preview
def test_the_same_rows_of_checks_as_by_dagster_itself(folder: Path) -> None:
    with instance_from(str(folder)) as kept:
        by_kept = ran_checked(kept)
    with dg.DagsterInstance.from_config(str(folder)) as plain:
        by_plain = ran_checked(plain)
    rows = check_rows(folder, by_kept)
    assert rows == check_rows(folder, by_plain)
    evaluated = [row for row in rows if row[7] == "ASSET_CHECK_EVALUATION"]
    passed = {("2024-01-01", "SUCCEEDED"), ("2024-01-03", "SUCCEEDED"), (None, "SUCCEEDED")}
    assert {row[2:4] for row in evaluated} == {*passed, ("2024-01-02", "FAILED")}
    assert len(rows) > len(evaluated) == 4  # Dagster plans a check without partitions for each of the run
    assert all(row[5] and row[6] for row in rows)


def test_what_dagster_made_before_is_gone_on_with(folder: Path) -> None:
    with dg.DagsterInstance.from_config(str(folder)) as plain:
        before = ran(plain)
    with instance_from(str(folder)) as kept:
        after = ran(kept)
        assert events(kept, before) == events(kept, after)
        assert kept.get_runs_count() == 2


def test_an_event_can_be_read_by_others_as_soon_as_it_is_stored(folder: Path) -> None:
    with instance_from(str(folder)) as kept, dg.DagsterInstance.from_config(str(folder)) as plain:
        run = ran(kept)
        assert events(plain, run) == events(kept, run) != []


def test_events_of_a_group_are_committed_soon_though_none_follows(folder: Path) -> None:
    with instance_from(str(folder)) as kept, dg.DagsterInstance.from_config(str(folder)) as plain:
        run = ran(kept)
        before = len(events(plain, run))
        for number in range(3):
            kept.report_engine_event(f"event {number}", run_id=run, job_name="job")
        until = time.monotonic() + PATIENCE_S
        while len(events(plain, run)) < before + 3:
            assert time.monotonic() < until
            time.sleep(GROUP_S)


def test_events_that_could_not_be_written_are_written_with_the_next(folder: Path) -> None:
    """And none twice: what the run's file has taken is only missing in the index."""
    with instance_from(str(folder)) as kept, dg.DagsterInstance.from_config(str(folder)) as plain:
        run = ran_checked(kept)
        before, checks = events(plain, run), check_rows(folder, run)
        with index_of(folder) as index:
            ((mirrored,),) = index.execute("SELECT count(*) FROM event_logs").fetchall()
            index.execute(REFUSED)
        kept.report_engine_event("in the file of the run", run_id=run, job_name="job")
        with pytest.raises(DatabaseError, match="disk is full"):
            kept.report_run_canceled(kept.get_run_by_id(run))  # type: ignore[arg-type]
        assert len(events(plain, run)) == len(before) + 2
        with index_of(folder) as index:
            index.execute("DROP TRIGGER refused")
        kept.report_engine_event("in the file, too", run_id=run, job_name="job")
        assert len(events(kept, run)) == len(events(plain, run)) == len(before) + 3
        with index_of(folder) as index:
            assert index.execute("SELECT count(*) FROM event_logs").fetchall() == [(mirrored + 1,)]
        assert check_rows(folder, run) == checks != []


def test_what_is_left_at_the_end_is_told(folder: Path) -> None:
    """And nothing stays open, or is opened again."""
    kept = instance_from(str(folder))
    run = ran(kept)
    with index_of(folder) as index:
        index.execute(REFUSED)
    with pytest.raises(DatabaseError, match="disk is full"):
        kept.report_run_canceled(kept.get_run_by_id(run))  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match="disk is full"):
        kept.dispose()
    time.sleep(3 * GROUP_S)
    opened = [path for link in Path("/proc/self/fd").iterdir() if folder in (path := link.resolve()).parents]
    assert opened == []


def test_files_of_many_runs_are_closed_again(folder: Path) -> None:
    with instance_from(str(folder)) as kept:
        runs = [ran(kept) for _ in range(OPEN_RUNS + 3)]
        opened = {Path(link).resolve().name for link in Path("/proc/self/fd").iterdir()}
        assert sum(f"{run}.db" in opened for run in runs) == OPEN_RUNS
        assert all(events(kept, run) for run in runs)
    left = {Path(link).resolve().name for link in Path("/proc/self/fd").iterdir()}
    assert not {f"{run}.db" for run in runs} & left
    assert not list((folder / "state").rglob("*.tmp*"))
