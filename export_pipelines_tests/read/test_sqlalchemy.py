"""What only the generic path has: values of any driver, drivers that are missing, times in other zones, long statements."""

import re
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import InternalError

from export_pipelines.catalog import Catalog, Dataset
from export_pipelines.definition.export import Split
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError, ExportError, RetryableError, SettingsError, SourceError
from export_pipelines.plan.query.query import Query, SourceColumn
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.request import PlanRequest
from export_pipelines.read.open_source import open_source
from export_pipelines.read.sqlalchemy import SqlalchemySource, _bound
from export_pipelines.sample import generate_leads
from export_pipelines_tests.plan.tables import FIELDS, field, request_for, window
from export_pipelines_tests.read.databases import Another, Duckdb, Postgresql, query_of, read, source_of
from export_pipelines_tests.run.whole_run import plan_of

ID = SourceColumn(name="lead_id", kind="text", type="id")


@pytest.fixture
def database(tmp_path: Path) -> Duckdb:
    return Duckdb(tmp_path / "small.duckdb")


@pytest.fixture
def another(postgresql_url: str) -> Another:
    return Another(Postgresql(postgresql_url))


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "infinity"), ("at_sql", "-infinity"), ("day", "infinity"), ("amount", "many"), ("amount", "NaN")],
)
def test_what_duckdb_holds_and_no_file_can_is_refused(database: Duckdb, column: str, value: str) -> None:
    database.fill([{"at": "2024-01-01T00:00:00Z"}, {"at": "2024-01-02T00:00:00Z", column: value}])
    with pytest.raises(DataError, match=f"lead_id 1, {column}"):
        read(database, query_of(database))


@pytest.mark.parametrize("scale", ["1.10", "1e400", "12345678901234567890.12345678901234567890"])
def test_numbers_in_json_stay_as_they_are_stored(database: Duckdb, another: Another, scale: str) -> None:
    for one in (database, another):
        one.fill([{"doc": f'{{"deep": {{"amount": {scale}}}}}'}])
        (row,) = read(one, query_of(one))
        assert row["doc"] == f'{{"deep":{{"amount":{scale}}}}}'


def test_a_session_in_another_zone_is_set_to_utc(another: Another) -> None:
    another.fill([{"at": "2024-03-01T00:00:00Z"}, {"at": "2024-02-29T23:59:59.999Z"}])
    source = open_source(f"{another.url}?options=-c%20timezone%3DAsia/Tokyo")
    query = query_of_day(another)
    assert source.count(query) == 1
    (batch,) = source.read(query)
    assert batch.column("lead_id").to_pylist() == ["0"]


def test_a_session_that_stays_in_another_zone_is_refused(
    database: Duckdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export_pipelines.read.sqlalchemy.ZONE", "SET TIME ZONE 'Asia/Tokyo'")
    database.fill([])
    with pytest.raises(SourceError, match="the session's clock is 9:00:00 away from UTC"):
        open_source(database.url).count(query_of(database))


def test_integers_and_ids_are_pushed_and_the_rest_is_asked_afterwards(database: Duckdb) -> None:
    rules = (
        Rule(lhv="size", op=Op.NOT_EQUAL, rhv=5),
        Rule(lhv="size", op=Op.GREATER, rhv="2.5"),
        Rule(lhv="word", op=Op.EQUAL, rhv="a"),
    )
    query = query_of(database, Filter(rules=rules, lead_ids=("5f2b" + "0" * 20,), where={"word": None}))
    assert query.sql.split("WHERE", 1)[1].split("ORDER", 1)[0].split() == (
        [
            "leads.lead_id",
            "IN",
            "(?)",
            "AND",
            "leads.word",
            "IS",
            "NULL",
            "AND",
            "CASE",
            "WHEN",
            "(leads.size",
            "=",
            "5)",
            "THEN",
            "0",
            "ELSE",
            "1",
            "END",
            "=",
            "1",
        ]
    )
    assert query.residual and query.residual.parameters == ("2.5", "a")


def test_what_only_tells_a_column_does_not_blur_the_count(database: Duckdb) -> None:
    database.fill([{"doc": '{"word": "x"}'}, {}])
    query = query_of(database)
    assert query.residual and not query.counts_at_most
    assert source_of(database).count(query) == len(read(database, query)) == 2


def test_a_view_with_other_names_is_read_through_the_catalog(database: Duckdb) -> None:
    database.fill([{"word": "Aé", "size": 7, "at": "2024-03-01T00:00:00Z", "doc": '{"a": {"b": "x"}}'}])
    database.execute(
        'CREATE VIEW "Odd View" AS SELECT lead_id AS "Key", word AS "the word", size AS n, "at" AS "when", doc AS d'
        " FROM leads"
    )
    fields = (
        field("lead_id", "id", column="Key"),
        field("word", "text", column="the word"),
        field("size", "integer", column="n"),
        field("at", "timestamp", column="when"),
        field("inner", "text", column="d", path="a.b"),
    )
    dataset = Dataset(name="leads", table="Odd View", window="at", order=("at", "lead_id"), fields=fields)
    asked = request_for(
        Filter(rules=(Rule(lhv="word", op=Op.EQUAL, rhv="aÉ"), Rule(lhv="inner", op=Op.NOT_BLANK))),
        window("2024-03-01", "2024-03-02"),
    )
    query = build_query(
        PlanRequest(asked.definition, asked.window, Catalog(datasets=(dataset,)), "duckdb"), fields
    )
    (row,) = read(database, query)
    assert row == {
        "lead_id": "0", "word": "Aé", "size": 7, "inner": "x", "at": datetime(2024, 3, 1, tzinfo=UTC),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("oracel://u:s3cret@host/db", 'unknown database "oracel"; did you mean "oracle"?'),
        ("snowflake://u:s3cret@host/db", "pip install 'snowflake-sqlalchemy'"),
        ("mssql+pymssql://u:s3cret@host/db", "pip install 'pymssql'"),
        ("oracle+oracledb://u:s3cret@host/db", "pip install 'oracledb'"),
        ("duckdb+other://u:s3cret@host/db", "no URL that SQLAlchemy can open"),
        ("mssql://u:s3cret@host:port/db", "no URL that SQLAlchemy can open"),
        ("leads.db s3cret", "no URL that SQLAlchemy can open"),
    ],
)
def test_a_url_that_cannot_be_opened_says_what_to_do(url: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_source(url)
    assert message in str(caught.value)


def test_a_package_that_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        SettingsError, match=re.escape("the driver for another is not installed (pip install 'psycopg')")
    ):
        open_source("another://u:p@host/db")


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    database = Duckdb(tmp_path / "nowhere.duckdb")
    for ask in (
        source_of(database).check,
        source_of(database).count,
        lambda query: list(source_of(database).read(query)),
    ):
        with pytest.raises(
            SourceError, match=r"nowhere.duckdb: cannot be reached: .*database does not exist"
        ):
            ask(query_of(database))
    assert not list(tmp_path.iterdir())


def test_a_file_is_opened_for_reading_only(database: Duckdb) -> None:
    database.fill([{}])
    query = query_of(database).model_copy(update={"sql": "DELETE FROM leads RETURNING lead_id"})
    with pytest.raises(ExportError, match="read-only mode"):
        list(source_of(database).read(query))
    assert source_of(database).count(query_of(database)) == 1


def test_a_session_can_only_read_and_sees_one_state(another: Another) -> None:
    another.fill([{}])
    source = SqlalchemySource.from_url(another.url)
    with source.connected() as connection:
        assert connection.get_isolation_level() == "REPEATABLE READ"
        with pytest.raises(InternalError, match="read-only transaction"):
            connection.exec_driver_sql("DELETE FROM leads")


def test_a_value_that_does_not_cast_is_told_without_it(database: Duckdb) -> None:
    database.fill([{"word": "private"}])
    query = query_of(database).model_copy(update={"sql": "SELECT CAST(word AS INTEGER) FROM leads"})
    with pytest.raises(DataError, match="a stored value cannot be read") as caught:
        list(source_of(database).read(query))
    assert "private" not in str(caught.value)


def test_a_connection_that_dies_in_the_middle_may_be_tried_again(another: Another) -> None:
    generate_leads(another.url, 20_000, 7, date(2024, 1, 15), 1, replace=True)
    plan = plan_of(dialect="another", fields="all", split=Split())
    with closing(source_of(another).read(plan.query)) as batches:  # type: ignore[type-var]
        next(batches)
        kill_readers(another)
        with pytest.raises(RetryableError, match="the connection broke.*nothing was kept") as caught:
            list(batches)
    assert "s3cret" not in str(caught.value)


def test_a_statement_that_takes_too_long_is_ended(database: Duckdb) -> None:
    database.fill([])
    source = SqlalchemySource(SqlalchemySource.from_url(database.url).engine, statement_s=0.05)
    endless = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
    with pytest.raises(RetryableError, match="took more than 0.05 s, and was ended"):
        source.count(query_of(database).model_copy(update={"count_sql": endless}))


@pytest.mark.parametrize("word", ["a:b", ":p0", "\\:x", "::text", "?", "100%", "$1"])
def test_only_places_of_parameters_are_filled(database: Duckdb, word: str) -> None:
    database.fill([{}])
    sql = f"""SELECT '{word}' AS "{word}", ? AS it FROM leads"""
    query = Query(
        sql=sql, count_sql="", parameters=("v",), columns=(ID, ID.model_copy(update={"name": "it"}))
    )
    (batch,) = source_of(database).read(query)
    assert batch.to_pylist() == [{"lead_id": word, "it": "v"}]
    assert _bound(sql, ("v",))[1] == {"p0": "v"}


def query_of_day(database: Another) -> Query:
    asked = request_for(Filter(), window("2024-03-01", "2024-03-02"))
    return build_query(
        PlanRequest(asked.definition, asked.window, asked.catalog, database.dialect), [FIELDS[0]]
    )


def kill_readers(another: Another) -> None:
    """Ends the sessions that send rows, from the server's side."""
    with psycopg.connect(another.own.url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()"
        ).fetchall()
    assert found
