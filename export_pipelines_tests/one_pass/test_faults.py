"""A fault in one window of a pass is told as when it runs alone, and leaves the others."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from export_pipelines.artifacts import Manifest, open_store
from export_pipelines.errors import RetryableError
from export_pipelines.one_pass import PassBroken, PassWindow, write_in_one_pass
from export_pipelines.orchestration import backfill
from export_pipelines.plan.query.query import Query
from export_pipelines.read import sqlite
from export_pipelines.run.first_rows import FirstRows
from export_pipelines_tests.one_pass.windows import context_of, days, passes, plans_of
from export_pipelines_tests.orchestration.project import DAILY, Project, now
from export_pipelines_tests.run.heard import Heard
from export_pipelines_tests.run.whole_run import token


def change(project: Project, sql: str) -> None:
    path = project.settings.source_url.get_secret_value().removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(sql).rowcount > 0


def filled(project: Project, instance: dg.DagsterInstance) -> tuple[dict[str, int], dict[str, str]]:
    done = backfill(project.opened(now), "daily", "2024-01-10", "2024-01-20", instance=instance)
    return {manifest.window.key: manifest.rows for manifest in done.manifests}, dict(done.failures)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE leads SET price = 'much' WHERE submitted_at LIKE '2024-01-15%'", "not a decimal"),
        ("UPDATE leads SET email = CAST(x'ff' AS TEXT) WHERE submitted_at LIKE '2024-01-15%'", "UTF-8"),
    ],
)
def test_a_bad_value_in_one_window_leaves_the_others(
    project: Project,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    sql: str,
    text: str,
) -> None:
    change(project, sql)
    sizes = passes(monkeypatch)
    rows, failures = filled(project, instance)
    assert set(failures) == {"2024-01-15"} and text in failures["2024-01-15"]
    others = [key for key in days(date(2024, 1, 10), date(2024, 1, 20)) if key != "2024-01-15"]
    assert rows == dict.fromkeys(others, 10) and sizes[0] == 11
    assert project.store.sweep("daily") == []


def test_a_window_beyond_its_limit_leaves_the_others(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(
        project,
        "UPDATE leads SET submitted_at = '2024-01-15T10:00:00.000Z' WHERE submitted_at LIKE '2024-01-14%'",
    )
    project.write("daily", DAILY + "limits: {rows: 15}\n")
    sizes = passes(monkeypatch)
    rows, failures = filled(project, instance)
    assert set(failures) == {"2024-01-15"} and "20 rows match, the limit is 15" in failures["2024-01-15"]
    assert rows["2024-01-14"] == 0 and len(rows) == 10 and sizes == [11]


def test_times_of_several_spellings_are_read_window_by_window(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(
        project,
        "UPDATE leads SET submitted_at = replace(submitted_at, 'T', ' ') WHERE submitted_at LIKE '2024-01-15%'",
    )
    sizes = passes(monkeypatch)
    rows, failures = filled(project, instance)
    assert failures == {} and set(rows.values()) == {10} and len(rows) == 11 and sizes == [11]


def test_a_time_that_is_none_is_told_as_when_windows_run_alone(
    project: Project, instance: dg.DagsterInstance
) -> None:
    change(
        project,
        "UPDATE leads SET submitted_at = '2024-01-15 at noon' WHERE submitted_at LIKE '2024-01-15T1%'",
    )
    rows, failures = filled(project, instance)
    assert "2024-01-15" in failures and "2024-01-18" in rows and not set(rows) & set(failures)
    assert all("submitted_at" in text for text in failures.values())


def test_a_reading_that_breaks_off_says_nothing_of_the_windows_that_it_had_not_come_to(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaking(sqlite.SqliteSource):
        def read(self, query: Query) -> Iterator[pa.RecordBatch]:
            for number, batch in enumerate(super().read(query)):
                if number == 2:
                    raise RetryableError("the connection broke")
                yield batch

    monkeypatch.setattr(sqlite, "BATCH_CELLS", 50)
    opened, store = project.opened(now), open_store(str(tmp_path / "store"))
    plans, query = plans_of(opened, days())
    assert query
    windows = [PassWindow(plan, token(n), Heard(), FirstRows(5)) for n, plan in enumerate(plans)]
    source = Breaking(Path(project.settings.source_url.get_secret_value().removeprefix("sqlite:///")))
    results = list(write_in_one_pass(windows, query, replace(context_of(opened, store), source=source)))
    whole = [result for result in results if isinstance(result, Manifest)]
    assert whole and [manifest.rows for manifest in whole] == [10] * len(whole)
    assert all(isinstance(result, PassBroken) for result in results[len(whole) :])
    assert len(store.manifests()) == len(whole) < len(plans) and store.sweep() == []
