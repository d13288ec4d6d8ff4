"""Windows written from one pass are what they are when each runs alone: the same bytes, the same manifests, the same faults."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from export_pipelines import one_pass
from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store, open_store, verify
from export_pipelines.errors import RetryableError
from export_pipelines.mask.keys import Keys
from export_pipelines.one_pass import PassBroken, PassWindow, write_in_one_pass
from export_pipelines.orchestration import backfill
from export_pipelines.orchestration import write_windows as writing
from export_pipelines.plan import Plan, compile_plan
from export_pipelines.plan.one_pass import adjacent, query_of_pass, span
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.window import window_of
from export_pipelines.project import Project as Opened
from export_pipelines.read import sqlite
from export_pipelines.run.first_rows import FirstRows
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.orchestration.project import DAILY, Project, fill_source, make_project, now
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.run.heard import Heard
from export_pipelines_tests.run.whole_run import token

KEYS = Keys.from_bytes(b"hash key of the tests, of no secret", b"master key of the tests, not secret")
FIRST, LAST = date(2024, 1, 28), date(2024, 2, 3)  # three days without leads at the end
OF_A_RUN = {"artifact", "created_at", "digest", "seconds", "schema_version", "schema_changed"}
HEAD = "type: lead\nowner: operations\npartition: daily\nstart: 2024-01-01\n"
FIELDS = "fields: [lead_id, submitted_at, email, first_name, phone_1, dob, dob.age, price, custom]\n"
MASKED = "privacy: {email: hash, phone_1: mask, first_name: tokenize, direct: redact, sensitive: redact, indirect: redact}\n"
EXPORTS = {
    "csv.gz": "format: csv\ncompression: gzip\n" + FIELDS,
    "masked": "format: csv\ncompression: gzip\nfields: all\n" + MASKED,
    "ndjson by rows": "format: ndjson\ncompression: zstd\nsplit: {rows: 3}\n" + FIELDS,
    "json by bytes": "format: json\ncompression: gzip\nsplit: {bytes: 64 kB}\n" + FIELDS,
    "parquet": "format: parquet\n" + FIELDS,
    "xlsx": "format: xlsx\n" + FIELDS,
    "nothing for empty days": "format: csv\nskip_empty: true\n" + FIELDS,
    "filtered": "format: csv\nfilter: {rules: [{lhv: email, op: includes, rhv: a}]}\n" + FIELDS,
    "without the time": "format: csv\nfields: [lead_id, price]\n",
}


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_source(tmp_path_factory.mktemp("source") / "leads.db")


@pytest.fixture
def project(tmp_path: Path, leads: Path) -> Project:
    """With leads of its own."""
    return make_project(tmp_path, Path(shutil.copy(leads, tmp_path / "leads.db")))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def days(first: date = FIRST, last: date = LAST) -> list[str]:
    return [str(first + timedelta(number)) for number in range((last - first).days + 1)]


def plans_of(opened: Opened, keys: list[str]) -> tuple[list[Plan], Query | None]:
    definition = opened.definition("daily")
    requests = [
        replace(opened.request(definition, window_of(definition, key)), keys=KEYS.names) for key in keys
    ]
    plans = [compile_plan(request) for request in requests]
    return plans, query_of_pass(
        plans, compile_plan(replace(requests[0], window=span(plans), reads_time=True))
    )


def context_of(opened: Opened, store: Store) -> RunContext:
    return RunContext(opened.source(), store, KEYS, now)


def alone(opened: Opened, plans: list[Plan], store: Store) -> list[Manifest]:
    return [run_export(plan, context_of(opened, store), token(number)) for number, plan in enumerate(plans)]


def together(opened: Opened, plans: list[Plan], query: Query, store: Store) -> list[Any]:
    windows = [PassWindow(plan, token(number), Heard(), FirstRows(5)) for number, plan in enumerate(plans)]
    return list(write_in_one_pass(windows, query, context_of(opened, store)))


def content(store: Store, manifest: Manifest) -> tuple[dict[str, Any], dict[str, bytes]]:
    files = {}
    for part in manifest.parts:
        with store.open(manifest.artifact, part.name) as file:
            files[part.name] = file.read()
    return manifest.as_delivered().model_dump(exclude=OF_A_RUN, exclude_unset=True), files


@pytest.mark.parametrize("few_cells", [0, 10**9], ids=["threads", "in turn"])
@pytest.mark.parametrize("cells", [40, 200_000], ids=["many batches", "one batch"])
@pytest.mark.parametrize("name", EXPORTS)
def test_artifacts_are_those_of_windows_that_run_alone(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    cells: int,
    few_cells: int,
) -> None:
    monkeypatch.setattr(one_pass, "FEW_CELLS", few_cells)
    project.write("daily", HEAD + EXPORTS[name])
    opened, stores = project.opened(now), [open_store(str(tmp_path / name)) for name in "ab"]
    plans, query = plans_of(opened, days())
    assert query is not None and [len(group) for group in adjacent(plans)] == [len(plans)]
    expected = [content(stores[0], manifest) for manifest in alone(opened, plans, stores[0])]
    monkeypatch.setattr(sqlite, "BATCH_CELLS", cells)
    manifests = together(opened, plans, query, stores[1])
    assert [content(stores[1], manifest) for manifest in manifests] == expected
    assert [verify(stores[1], manifest.artifact) for manifest in manifests] == [[]] * len(plans)
    if name != "filtered":
        assert [manifest.rows for manifest in manifests] == [10, 10, 10, 10, 0, 0, 0]
    assert [manifest.schema_version for manifest in manifests] == [1] * len(plans)


@pytest.mark.parametrize(
    "more",
    [
        "sort: [delivered_at]\n",
        "filter: {rules: [{lhv: dob.age, op: is greater than, rhv: 30}]}\n",
        "filter: {rules: [{lhv: email, op: format is valid}]}\n",
    ],
)
def test_windows_that_no_pass_may_read_are_read_one_by_one(project: Project, more: str) -> None:
    project.write("daily", HEAD + "format: csv\n" + FIELDS + more)
    opened = project.opened(now)
    plans, query = plans_of(opened, days())
    in_one = query is not None and len(list(adjacent(plans))) == 1
    assert in_one == ("is valid" in more)  # which SQLite is asked by a function of its own


def test_windows_with_a_gap_between_them_are_no_one_pass(project: Project) -> None:
    opened = project.opened(now)
    plans, _ = plans_of(opened, ["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-06", "2024-01-07"])
    assert [len(group) for group in adjacent(plans)] == [2, 3]


def change(project: Project, sql: str) -> None:
    path = project.settings.source_url.get_secret_value().removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(sql).rowcount > 0


def filled(project: Project, instance: dg.DagsterInstance) -> tuple[dict[str, int], dict[str, str]]:
    done = backfill(project.opened(now), "daily", "2024-01-10", "2024-01-20", instance=instance)
    return {manifest.window.key: manifest.rows for manifest in done.manifests}, dict(done.failures)


def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows each pass that is begun has."""
    sizes: list[int] = []

    def counted(windows: Any, query: Any, context: Any) -> Any:
        sizes.append(len(windows))
        return write_in_one_pass(windows, query, context)

    monkeypatch.setattr(writing, "write_in_one_pass", counted)
    return sizes


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


def test_observers_hear_of_one_window_after_the_other(project: Project, tmp_path: Path) -> None:
    opened, heard = project.opened(now), Heard()
    plans, query = plans_of(opened, days())
    windows = [PassWindow(plan, token(n), heard, FirstRows(5)) for n, plan in enumerate(plans)]
    assert query
    list(write_in_one_pass(windows, query, context_of(opened, open_store(str(tmp_path / "store")))))
    assert [run.window for run in heard.runs] == days() and len(heard.written) == len(plans)


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import dagster as dg
from export_pipelines.orchestration import backfill
from export_pipelines.project import Project
now = lambda: datetime(2024, 2, 20, 8, 30, tzinfo=UTC)
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    done = backfill(Project.open(Path(sys.argv[1]), None, now), "daily", "2024-01-01", "2024-01-31", instance=instance)
    print(done.failures, file=sys.stderr)
"""


def killed_at(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artifacts: int) -> set[str]:
    """The windows that a backfill had committed when it was killed, after it had registered at least so many artifacts."""
    project.in_environment(monkeypatch)
    ledger = project.opened(now).ledger
    with Process(["-c", CHILD, str(tmp_path)], tmp_path, child_environment()) as child:
        while child.poll() is None and len(ledger.windows("daily")) < artifacts:
            time.sleep(0.01)
        child.kill()
        _, said = child.communicate()
    committed = project.store.manifests("daily")
    assert artifacts <= len(committed) < 31, said
    assert [verify(project.store, manifest.artifact) for manifest in committed] == [[]] * len(committed)
    return {record.window_key for record in ledger.windows("daily")}


def test_killed_in_the_middle_only_what_is_missing_is_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = killed_at(project, tmp_path, monkeypatch, 3)
    heard, every = Heard(), days(date(2024, 1, 1), date(2024, 1, 31))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        done = backfill(project.opened(now), "daily", every[0], every[-1], instance=instance, observer=heard)
    assert done.exit_code == 0 and {manifest.rows for manifest in done.manifests} == {10}
    assert [run.window for run in heard.runs] == [key for key in every if key not in registered]
    assert sorted(manifest.window.key for manifest in done.manifests) == every
    records = project.opened(now).ledger.windows("daily")
    assert sorted(record.window_key for record in records) == every and all(
        record.arrived for record in records
    )
    assert project.store.sweep() == []


def test_forced_after_a_kill_all_is_written_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(project, tmp_path, monkeypatch, 3)
    heard, first = Heard(), days(date(2024, 1, 1), date(2024, 1, 3))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        backfill(
            project.opened(now), "daily", first[0], first[-1], instance=instance, force=True, observer=heard
        )
    assert [run.window for run in heard.runs] == first
