"""docs/changes.md does what it says: its export loads, and its Python and its SQL apply what is delivered."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl

from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definitions
from export_pipelines.definition.output import Format
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.run.changes.series import Series
from export_pipelines_tests.run.whole_run import NOW, sample_url

PAGE = (REPOSITORY / "docs" / "changes.md").read_text(encoding="utf-8")
FIELDS = ("lead_id", "submitted_at", "email", "state", "price", "outcome")


def shown(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def test_the_export_that_is_shown_loads(tmp_path: Path) -> None:
    (tmp_path / "lead_changes.yaml").write_text(shown("yaml"), encoding="utf-8")
    (definition,) = load_definitions(tmp_path, load_catalog(None)).definitions
    assert definition.changes and definition.changes.full_every == 30 and definition.fields == FIELDS


def test_what_is_shown_applies_what_is_delivered(tmp_path: Path) -> None:
    series = Series(Desk(tmp_path / "home", at=NOW), sample_url(tmp_path))
    plan = series.plan(format=Format(name="parquet"), fields=FIELDS)
    code: dict[str, Any] = {}
    exec(shown("python"), code)
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE leads ({', '.join(FIELDS)})")
    rows, artifact = None, None
    for step in range(3):
        series.change(step * 5)
        series.ask(f"DELETE FROM leads WHERE rowid = {20 + step}")
        manifest = series.run(plan)
        folder = next((series.desk.home / "delivered" / "out").glob(f"*{series.number:06x}"))
        rows, artifact = code["applied"](folder, rows, artifact)
        apply_by_sql(database, folder)
        assert artifact == manifest.artifact
    assert rows is not None
    expected = sorted(map(str, rows.select("lead_id", pl.col("price").cast(pl.Float64)).rows()))
    stored = series_rows(series)
    assert expected == stored and len(rows) == len(stored)
    by_sql = database.execute("SELECT lead_id, price FROM leads").fetchall()
    assert sorted(map(str, by_sql)) == expected


def apply_by_sql(database: sqlite3.Connection, folder: Path) -> None:
    database.execute("DROP TABLE IF EXISTS changes")
    database.execute(f"CREATE TABLE changes ({', '.join(FIELDS)}, change)")
    for file in folder.glob("*.parquet"):
        rows = pl.read_parquet(file).cast({"price": pl.Float64, "submitted_at": pl.String}).rows()
        database.executemany(f"INSERT INTO changes VALUES ({', '.join('?' * (len(FIELDS) + 1))})", rows)
    database.executescript(shown("sql"))


def series_rows(series: Series) -> list[str]:
    with sqlite3.connect(series.url.removeprefix("sqlite:///")) as source:
        rows = source.execute("SELECT lead_id, price FROM leads").fetchall()
    return sorted(str((id, None if price is None else float(price))) for id, price in rows)
