"""The SQL of whole definitions, as it stands beside them, and what SQLite does with it on the shipped tables."""

import sqlite3
from pathlib import Path

import pytest

from export_pipelines.lead_store.store import create_store
from export_pipelines_tests.plan.functions import register
from export_pipelines_tests.plan.golden_plans import FOLDER, golden_plan, golden_text

FILES = sorted(FOLDER.glob("*.yaml"))
by_name = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def shipped_tables(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    file = tmp_path_factory.mktemp("store") / "leads.db"
    create_store(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    register(connection)
    return connection


def query_plan(connection: sqlite3.Connection, path: Path) -> list[str]:
    query = golden_plan(path).query
    rows = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.values)
    return [detail for *_, detail in rows]


@by_name
def test_a_definition_becomes_the_sql_beside_it(path: Path) -> None:
    assert golden_text(golden_plan(path)) == path.with_suffix(".sql").read_text(encoding="utf-8")


@by_name
def test_the_sql_runs_and_gives_the_columns_in_order(path: Path, shipped_tables: sqlite3.Connection) -> None:
    query = golden_plan(path).query
    cursor = shipped_tables.execute(query.sql, query.values)
    assert [name for name, *_ in cursor.description] == [column.name for column in query.columns]
    assert shipped_tables.execute(query.count_sql, query.values).fetchone() == (0,)


@pytest.mark.parametrize("name", ["every_field", "few_columns", "masks"])
def test_a_window_is_found_by_the_index_and_comes_out_sorted(
    name: str, shipped_tables: sqlite3.Connection
) -> None:
    steps = query_plan(shipped_tables, FOLDER / f"{name}.yaml")
    assert "SEARCH leads USING INDEX leads_by_time (submitted_at>? AND submitted_at<?)" in steps
    assert not any("TEMP B-TREE" in step for step in steps)
