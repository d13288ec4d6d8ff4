"""Stored JSON that does not parse: the run fails and names the row, or it is null and counted, as the export says."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError
from export_pipelines.mask.keys import Keys
from export_pipelines.read.open_source import open_source
from export_pipelines.sample import generate_leads
from export_pipelines.settings import driver_url
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.read.odd_values import HALVES
from export_pipelines_tests.run.whole_run import DAY, NOW, plan_of, token

LEADS, BROKEN = 40, 2
FIELDS = ("lead_id", "custom", "custom.product_type", "custom.loan_amount", "email")
AS_TEXT = {
    "sqlite": (),
    "mariadb": ("ALTER TABLE leads MODIFY custom LONGTEXT",),
    "duckdb": (
        "CREATE TABLE copied AS SELECT * REPLACE (CAST(custom AS VARCHAR) AS custom) FROM leads",
        "DROP TABLE events",
        "DROP TABLE leads",
        "ALTER TABLE copied RENAME TO leads",
    ),
}
PRODUCT = "custom.product_type"


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "duckdb"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Forty leads, of which the custom fields of two do not parse."""
    if request.param == "mariadb":
        url = new_database(request.getfixturevalue("mariadb_url"), "bad_json")
    else:
        url = f"{request.param}:///{tmp_path_factory.mktemp('bad') / 'leads.db'}"
    generate_leads(url, LEADS, 7, date.fromisoformat(DAY), 1)
    engine = create_engine(driver_url(url))
    for statement in AS_TEXT[request.param]:
        with engine.begin() as connection:
            connection.execute(text(statement))
    with engine.begin() as connection:
        ids = [row[0] for row in connection.execute(text("SELECT lead_id FROM leads ORDER BY lead_id"))]
        for id in ids[:BROKEN]:
            connection.execute(
                text("UPDATE leads SET custom = '{\"secret word' WHERE lead_id = :id"), {"id": id}
            )
    engine.dispose()
    return url


def export(url: str, folder: Path, **changes: Any) -> tuple[Manifest, list[dict[str, str]]]:
    """The artifact and its rows."""
    store = open_store(str(folder / "store"))
    plan = plan_of(dialect=url.partition(":")[0], **{"fields": FIELDS, **changes})
    manifest = run_export(plan, RunContext(open_source(url), store, Keys(), lambda: NOW), token(1))
    return manifest, [row for part in manifest.parts for row in rows(store, manifest, part.name)]


def rows(store: Store, manifest: Manifest, part: str) -> list[dict[str, str]]:
    with store.open(manifest.artifact, part) as file:
        return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")))


def test_the_run_fails_with_the_row_and_without_the_value(url: str, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="lead_id [0-9a-f]{24}, .*custom.*: JSON that does not parse"
    ) as caught:
        export(url, tmp_path)
    assert "secret" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.csv"))


def test_it_is_null_and_counted(url: str, tmp_path: Path) -> None:
    manifest, found = export(url, tmp_path, bad_json="null")
    assert manifest.bad_json == dict.fromkeys(FIELDS[1:4], BROKEN)
    assert manifest.rows == len(found) == LEADS
    broken = sorted(found, key=lambda row: row["lead_id"])[:BROKEN]
    assert all(row["email"] and not row["custom"] and not row["custom_product_type"] for row in broken)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (Rule(lhv="custom", op=Op.BLANK), True),
        (Rule(lhv=PRODUCT, op=Op.BLANK), True),
        (Rule(lhv=PRODUCT, op=Op.NOT_BLANK), False),
        (Rule(lhv=PRODUCT, op=Op.NOT_EQUAL, rhv="no such product"), True),
        (Rule(lhv=PRODUCT, op=Op.INCLUDES, rhv="a"), False),
        (Rule(lhv="custom.loan_amount", op=Op.GREATER, rhv=0), False),
    ],
    ids=lambda one: str(getattr(one, "op", one)),
)
def test_rules_take_it_for_null(url: str, tmp_path: Path, rule: Rule, kept: bool) -> None:
    manifest, _ = export(url, tmp_path, bad_json="null", filter=Filter(rules=(rule,)))
    assert manifest.bad_json.get("custom", 0) == (BROKEN if kept else 0)


def test_a_rule_fails_rather_than_leave_it_out(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="^lead_id [0-9a-f]{24}, custom.*: JSON that does not parse"):
        export(url, tmp_path, fields=("price",), filter=Filter(rules=(Rule(lhv=PRODUCT, op=Op.NOT_BLANK),)))


def test_the_row_that_is_named_is_one_that_was_asked_for(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        export(url, tmp_path, fields=("price",), filter=Filter(rules=(Rule(lhv=PRODUCT, op=Op.NOT_BLANK),)))
    first = str(caught.value).split()[1].strip(",")
    engine = create_engine(driver_url(url))
    with engine.connect() as connection:
        asked = text("SELECT lead_id FROM leads WHERE custom LIKE '%secret word' AND lead_id <> :id")
        ((other,),) = connection.execute(asked, {"id": first}).fetchall()
    engine.dispose()
    rule = Rule(lhv=PRODUCT, op=Op.NOT_BLANK)
    with pytest.raises(DataError, match=f"^lead_id {other}, "):
        export(url, tmp_path, fields=("price",), filter=Filter(lead_ids=(other,), rules=(rule,)))


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("half", HALVES)
def test_half_a_character_is_no_json_that_every_reader_takes(
    name: str, half: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whatever the database takes it for: one such value would make others refuse the whole file."""
    url = f"sqlite:///{tmp_path / 'leads.db'}"
    if name != "sqlite":
        url = new_database(request.getfixturevalue(f"{name}_url"), f"half_{HALVES.index(half)}")
    generate_leads(url, 4, 7, date.fromisoformat(DAY), 1)
    engine = create_engine(driver_url(url))
    with engine.begin() as connection:
        if name == "mariadb":
            connection.execute(text("ALTER TABLE leads MODIFY custom LONGTEXT"))
        ids = [row[0] for row in connection.execute(text("SELECT lead_id FROM leads ORDER BY lead_id"))]
        whole = [
            '{"a":"\\\\ud800 \\ud83d\\ude00 \\u00e9"}',
            '{"\\uD83D\\uDE00":"\\\\\\ud83d\\ude00"}',
            "{}",
        ]
        values = [f'{{"a": ["x", {half}]}}', *whole]
        for id, value in zip(ids, values, strict=True):
            connection.execute(
                text("UPDATE leads SET custom = :value WHERE lead_id = :id"), {"value": value, "id": id}
            )
    engine.dispose()
    fields = ("lead_id", "custom")
    with pytest.raises(DataError, match=f"lead_id {ids[0]}, custom: JSON ") as caught:
        export(url, tmp_path / "error", fields=fields)
    assert "bad_json: null" in str(caught.value)
    manifest, found = export(url, tmp_path / "null", fields=fields, bad_json="null")
    assert manifest.bad_json == {"custom": 1}
    assert {row["lead_id"]: row["custom"] for row in found} == dict(zip(ids, ["", *whole], strict=True))


def test_whole_json_is_not_counted(url: str, tmp_path: Path) -> None:
    manifest, _ = export(url, tmp_path, bad_json="null", fields=("lead_id", "email", "appended"))
    assert manifest.bad_json == {} and "bad_json" not in manifest.model_dump()
