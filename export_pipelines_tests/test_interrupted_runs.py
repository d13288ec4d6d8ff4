"""A run that was killed at 80 % is gone on with: the rows after its parts are read and no others, the bytes are those of a run
that nobody disturbed; where the source has changed, it begins anew."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from export_pipelines import interrupted_runs
from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store, open_store, verify
from export_pipelines.definition.export import Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.lead_store.store import create_store
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines.run.part_writer import WrittenPart
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.run.heard import Heard
from export_pipelines_tests.run.whole_run import NOW, plan_of, token

ROWS, OF_PART, KILLED_AFTER = 20_000, 2_000, 8
CHILD = """
import pathlib, sys, time
from export_pipelines import interrupted_runs
from export_pipelines.artifacts import open_store
from export_pipelines.mask.keys import Keys
from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines.run.observer import Deaf
from export_pipelines_tests.run.whole_run import NOW

class Halting(Deaf):
    parts = 0
    def part_done(self, part):
        self.parts += 1
        if self.parts == int(last):
            print("halted", flush=True)
            time.sleep(600)

interrupted_runs.LEAST_ROWS = 1000
plan, url, connections, store, token, last = sys.argv[1:]
plan = Plan.model_validate_json(pathlib.Path(plan).read_text())
context = RunContext(open_source(url, int(connections)), open_store(store), Keys(), lambda: NOW)
run_export(plan, context, token, Halting())
"""
FILL = f"""
INSERT INTO leads (lead_id, submitted_at, flow_id, email, comments, price, outcome)
SELECT lpad(to_hex(n), 24, '0'), timestamptz '2024-01-15' + (n / 3) * interval '1 s', lpad(to_hex(n % 2), 24, 'f'),
       CASE WHEN n % 7 = 0 THEN NULL ELSE n || '@example.com' END, CASE WHEN n % 5 = 0 THEN '=1+' || n ELSE repeat('call ', n % 9) END,
       (n % 977) / 100.0, 'success'
FROM generate_series(0, {ROWS - 1}) n
"""


@pytest.fixture(scope="module")
def filled(postgresql_url: str) -> str:
    """The name of a database that each test has a copy of."""
    url = new_database(postgresql_url, "filled_for_interrupted")
    create_store(url)
    flows = "INSERT INTO flows (id, name) VALUES (lpad('0', 24, 'f'), 'Solar'), (lpad('1', 24, 'f'), 'Roof')"
    execute(url, flows, FILL, "ANALYZE")
    return "filled_for_interrupted"


@pytest.fixture
def url(postgresql_url: str, filled: str) -> Iterator[str]:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE interrupted TEMPLATE {filled}")
        yield make_url(postgresql_url).set(database="interrupted").render_as_string(False)
        connection.execute("DROP DATABASE interrupted WITH (FORCE)")


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupted_runs, "LEAST_ROWS", 1000)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def plan_for(form: str = "csv", **changes: Any) -> Plan:
    fields = ("lead_id", "submitted_at", "flow.name", "email", "comments", "price", "outcome")
    settings: dict[str, Any] = {
        "fields": fields,
        "format": Format(name=form),
        "split": Split(rows=OF_PART),
        "compression": Compression(codec="gzip"),
        "contract": "free",
    }
    return plan_of(dialect="postgresql", **(settings | changes))


def run(plan: Plan, url: str, store: Store, number: int, connections: int = 1) -> tuple[Manifest, int]:
    """The artifact, and how many rows were read for it."""
    heard = Heard()
    context = RunContext(open_source(url, connections), store, Keys(), lambda: NOW)
    manifest = run_export(plan, context, token(number), heard)
    return manifest, sum(batch.rows for batch in heard.batches if batch.stage == "extract")


def killed(
    folder: Path, plan: Plan, url: str, number: int = 1, after: int = KILLED_AFTER, connections: int = 1
) -> None:
    """A run in a process of its own that is killed once `after` parts are durable."""
    (folder / "plan.json").write_text(plan.model_dump_json())
    arguments = [
        str(folder / "plan.json"),
        url,
        str(connections),
        str(folder / "store"),
        token(number),
        str(after),
    ]
    with Process(["-c", CHILD, *arguments], folder, child_environment()) as process:
        assert process.stdout.readline() == "halted\n"
        process.kill()


def content(manifest: Manifest) -> dict[str, object]:
    """All that a manifest says but its name, and how long stages were busy."""
    return manifest.model_dump(
        mode="json", exclude={"artifact", "schema_version", "schema_changed", "seconds", "digest"}
    )


def assert_all_is_known(folder: Path, store: Store) -> None:
    (manifest,) = store.manifests()
    assert verify(store, manifest.artifact) is not None
    files = {path.name for path in (folder / "store").rglob("*") if path.is_file()}
    assert files == {"manifest.json", *(part.name for part in manifest.parts)}


@pytest.mark.parametrize(("form", "connections"), [("csv", 1), ("json", 1), ("parquet", 3)])
def test_the_rest_is_read_and_nothing_else(url: str, tmp_path: Path, form: str, connections: int) -> None:
    plan, store = plan_for(form), open_store(str(tmp_path / "store"))
    undisturbed, read = run(plan, url, open_store(str(tmp_path / "other")), 0)
    assert read == ROWS
    killed(tmp_path, plan, url, connections=connections)
    execute(
        url,
        "INSERT INTO leads (lead_id, submitted_at, outcome) VALUES (repeat('e', 24), '2024-01-15T01:45:00Z', 'late')",
        "UPDATE leads SET email = 'changed' WHERE lead_id = lpad('0', 24, '0')",  # of a finished part
    )
    manifest, read = run(plan, url, store, 2, connections)
    assert read == ROWS - KILLED_AFTER * OF_PART
    assert content(manifest) == content(undisturbed)
    assert_all_is_known(tmp_path, store)


def test_a_run_may_be_killed_again(url: str, tmp_path: Path) -> None:
    plan, store = plan_for(), open_store(str(tmp_path / "store"))
    undisturbed, _ = run(plan, url, open_store(str(tmp_path / "other")), 0)
    killed(tmp_path, plan, url, 1, after=3)
    killed(tmp_path, plan, url, 2, after=4)
    killed(tmp_path, plan, url, 3, after=3)
    manifest, read = run(plan, url, store, 4)
    assert read == 0
    assert content(manifest) == content(undisturbed)
    assert_all_is_known(tmp_path, store)


class Cutting(Heard):
    """Ends all sessions of the run that wait, once its rows are there: as a balancer does with a connection that is long idle."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def part_done(self, part: WrittenPart) -> None:
        super().part_done(part)
        if len(self.parts) == ROWS // OF_PART:
            execute(
                self.url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'export_pipelines'"
                " AND datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'",
            )


def test_a_connection_that_breaks_when_all_rows_are_there_harms_nothing(url: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    context = RunContext(open_source(url, 1), store, Keys(), lambda: NOW)
    manifest = run_export(plan_for(), context, token(1), Cutting(url))
    assert manifest.rows == ROWS
    assert [other.artifact for other in store.manifests()] == [manifest.artifact]


def test_a_run_beside_one_that_lives_begins_by_itself(url: str, tmp_path: Path) -> None:
    plan, store = plan_for(), open_store(str(tmp_path / "store"))
    arguments = [str(tmp_path / "plan.json"), url, "1", str(tmp_path / "store"), token(1), str(KILLED_AFTER)]
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    with Process(["-c", CHILD, *arguments], tmp_path, child_environment()) as living:
        assert living.stdout.readline() == "halted\n"
        _, read = run(plan, url, store, 2)
        living.kill()
    assert read == ROWS


CHANGES = {
    "a row was changed": "UPDATE leads SET price = 1 WHERE lead_id = lpad(to_hex(19000), 24, '0')",
    "a row was changed and back": "UPDATE leads SET price = price WHERE lead_id = lpad(to_hex(19000), 24, '0')",
    "a row was removed": "DELETE FROM leads WHERE lead_id = lpad(to_hex(19000), 24, '0')",
    "one was removed, one came": (
        "WITH gone AS (DELETE FROM leads WHERE lead_id = lpad(to_hex(19000), 24, '0') RETURNING submitted_at)"
        " INSERT INTO leads (lead_id, submitted_at) SELECT repeat('d', 24), submitted_at FROM gone"
    ),
    "a flow was renamed": "UPDATE flows SET name = 'Wind' WHERE name = 'Solar'",
    "a flow was removed": (
        "ALTER TABLE leads DROP CONSTRAINT leads_flow_id_fkey; DELETE FROM flows WHERE name = 'Solar'"
    ),
    "a row moved into the rest": "UPDATE leads SET submitted_at = '2024-01-15T01:45:00Z' WHERE lead_id = lpad('0', 24, '0')",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_source_that_has_changed_is_read_anew(
    url: str, tmp_path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan, store = plan_for(), open_store(str(tmp_path / "store"))
    killed(tmp_path, plan, url)
    execute(url, CHANGES[change])
    anew = change != "a row moved into the rest"
    with caplog.at_level(logging.INFO, "export_pipelines.interrupted_runs"):
        manifest, read = run(plan, url, store, 2)
    assert ("run begins anew" in caplog.messages) is anew, caplog.messages
    expected, all_rows = run(plan, url, open_store(str(tmp_path / "other")), 0)
    if anew:
        assert read == all_rows
        assert content(manifest) == content(expected)
    assert_all_is_known(tmp_path, store)


def test_a_server_that_says_nothing_of_transactions_is_read_as_before(url: str, tmp_path: Path) -> None:
    execute(
        url,
        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
        "CREATE ROLE blind LOGIN PASSWORD 'blind'",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO blind",
    )
    try:
        blind = make_url(url).set(username="blind", password="blind").render_as_string(False)
        manifest, read = run(plan_for(), blind, open_store(str(tmp_path / "store")), 1)
        assert manifest.rows == read == ROWS
    finally:
        execute(url, "DROP OWNED BY blind", "DROP ROLE blind")


def test_another_plan_begins_anew(url: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    killed(tmp_path, plan_for(), url)
    manifest, read = run(plan_for(fields=("lead_id", "submitted_at", "email")), url, store, 2)
    assert read == ROWS
    assert_all_is_known(tmp_path, store)
    assert manifest.rows == ROWS


def test_what_may_be_gone_on_with_is_swept_when_it_is_old_or_erased(url: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    killed(tmp_path, plan_for(), url)
    assert store.sweep() == []
    assert len(store.sweep(all_unfinished=True)) == 1
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
