"""A run that fails for a row's sake names the row, whether its id is exported or not, and is not tried again."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from export_pipelines import mask
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.query.suspects import with_suspects
from export_pipelines.read.open_source import open_source
from export_pipelines.transform.casts import conform
from export_pipelines_tests.mask.leads import KEYS
from export_pipelines_tests.plan.tables import FIELDS, request_for
from export_pipelines_tests.read.databases import Database, Duckdb, Mariadb, Postgresql, Server
from export_pipelines_tests.read.odd_values import BLANK_NUL, HALVES
from export_pipelines_tests.run.whole_run import plan_of, sample_url

DEEP = "[" * 500 + "]" * 500
TOO_LARGE = '{"loan_amount":1e999999999,"note":"call 512-555-0142"}'


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sample_url(tmp_path)


def spoil(url: str, column: str, value: Any) -> str:
    """Stores the value in one lead, whose id it gives."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        ((id,),) = connection.execute("SELECT max(lead_id) FROM leads").fetchall()
        connection.execute(f"UPDATE leads SET {column} = ? WHERE lead_id = ?", [value, id])
    return str(id)


@pytest.mark.parametrize(
    ("column", "value", "changes"),
    [
        ("price", "cheap", {"fields": ("price",)}),
        ("email", b"\xff", {"fields": ("email",)}),
        ("submitted_at", "2024-01-15 noon", {"fields": ("email",)}),
        ("custom", TOO_LARGE, {"fields": ("custom.loan_amount",)}),
        ("custom", '{"product_type":"\\ud800"}', {"fields": ("custom.product_type",)}),
        ("custom", f'{{"deep":{DEEP},"note":"call 512-555-0142"}}', {"fields": ("custom",), "privacy": {"custom": "redact"}}),
        ("custom", "{", {"fields": ("price",), "filter": Filter(rules=(Rule(lhv="custom.product_type", op=Op.NOT_BLANK),))}),
    ],
    ids=["number", "letters", "time", "exponent", "half a character", "depth", "rule"],
)  # fmt: skip
def test_the_row_is_named_though_its_id_is_not_exported(
    url: str, column: str, value: Any, changes: dict[str, Any]
) -> None:
    id = spoil(url, column, value)
    plan = plan_of(**changes)
    with pytest.raises(DataError, match=f"^lead_id {id}, {column}") as raised:
        for batch in open_source(url).read(plan.query):
            mask.apply(plan, batch, KEYS)
    assert not raised.value.retryable


@pytest.mark.parametrize("value", [TOO_LARGE, f'{{"deep":{DEEP}}}'], ids=["exponent", "depth"])
def test_an_object_is_exported_in_its_letters(url: str, value: str) -> None:
    id = spoil(url, "custom", value)
    plan = plan_of(fields=("lead_id", "custom"))
    frames = [mask.apply(plan, batch, KEYS).frame for batch in open_source(url).read(plan.query)]
    assert [row[1] for frame in frames for row in frame.rows() if row[0] == id] == [value]


FAILS = {  # of a view: what the database cannot compute for one row, and that row's size
    "mariadb": ("CAST((size - 7) * 9223372036854775807 * 2 AS SIGNED)", 99),
    "postgresql": ("CAST(50 / (size - 99) AS BIGINT)", 99),
}
STORED = "lead_id, word, email, amount, price, flag, day, at, at_sql, at_s, at_ms, doc, flow_id, source_id"


@pytest.mark.parametrize("row", [0, 1999])
@pytest.mark.parametrize(
    "filter", [Filter(), Filter(rules=(Rule(lhv="email", op=Op.INVALID),))], ids=["pushed", "rest"]
)
def test_a_row_is_named_that_the_database_cannot_compute(server: Server, row: int, filter: Filter) -> None:
    """As in a view of one's own: the database says what is wrong, not in which row."""
    fails, bad = FAILS.get(server.dialect, FAILS["postgresql"])
    server.fill([{"email": "a", "size": bad if n == row else 7} for n in range(2000)])
    server.execute(
        "ALTER TABLE leads RENAME TO stored",
        f"CREATE VIEW leads AS SELECT {STORED}, {fails} AS size FROM stored",
    )
    try:
        asked = replace(request_for(filter), dialect=server.dialect)
        query = build_query(asked, [FIELDS[0], *(one for one in FIELDS if one.id == "size")])
        with pytest.raises(DataError, match=f"^lead_id {row}: a stored value cannot be read") as raised:
            list(open_source(server.url).read(query))
        assert not raised.value.retryable
    finally:
        server.execute("DROP VIEW leads", "DROP TABLE stored")


@pytest.mark.parametrize("value", [*HALVES, *BLANK_NUL])
def test_what_no_text_holds_is_exact_or_refused_with_its_row(database: Database, value: str) -> None:
    """A NUL is a letter to all but PostgreSQL, and half of one to nobody; MariaDB takes it for JSON that does not parse."""
    if isinstance(database, Duckdb):
        pytest.skip("a JSON column of DuckDB takes none of them")
    database.fill([{}, {}])
    if isinstance(database, Mariadb):
        database.execute("ALTER TABLE leads MODIFY doc LONGTEXT")
        database.execute(
            f"UPDATE leads SET doc = '{{\"word\":{value}}}' WHERE lead_id = '1'".replace("\\", "\\\\")
        )
    else:
        database.fill([{}, {"doc": f'{{"word":{value}}}'}])
    asked = request_for(Filter())
    asked = type(asked)(asked.definition, asked.window, asked.catalog, database.dialect)
    query = with_suspects(
        build_query(asked, [FIELDS[0], *(one for one in FIELDS if one.id == "doc.word")]), asked
    )
    try:
        found = [
            row
            for batch in open_source(database.url).read(query)
            for row in conform(batch, query.columns).rows()
        ]
    except DataError as error:
        assert error.where in ("lead_id 1, doc", "lead_id 1, doc.word") and not error.retryable
    else:
        assert value in BLANK_NUL and not isinstance(database, Postgresql)
        assert dict(found)["1"] == value.strip('"').replace("\\u0000", "\0")
