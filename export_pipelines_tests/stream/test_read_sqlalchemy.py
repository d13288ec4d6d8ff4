"""What the path for any database does besides the contract: values of drivers, zones, connections that die."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import DataError, RetryableError, SourceError
from export_pipelines.plan.plan import Query, SourceColumn
from export_pipelines.stream.conform import conform
from export_pipelines.stream.read_sqlalchemy import SqlalchemySource
from export_pipelines_tests.servers.databases import new_database

NUMBER, TIME = Kind.NUMBER, Kind.TIMESTAMP


def query(sql: str, kind: Kind, *parameters: str) -> Query:
    columns = (
        SourceColumn(name="lead_id", kind=Kind.TEXT, type="id"),
        SourceColumn(name="value", kind=kind, type="text"),
    )
    return Query(sql=sql, count_sql="SELECT 1", parameters=parameters, columns=columns)


def read(url: str, asked: Query) -> list[object]:
    with closing(SqlalchemySource.from_url(url).read(asked)) as batches:
        return [value for batch in batches for value in conform(batch, asked.columns)["value"].to_pylist()]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"duckdb:///{tmp_path / 'x.duckdb'}"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("1.10::DECIMAL(10,2)", NUMBER, "1.10"),
        ("12345678901234567890123456789.012345678::DECIMAL(38,9)", NUMBER, "12345678901234567890123456789.012345678"),
        ("170141183460469231731687303715884105727::HUGEINT", NUMBER, "170141183460469231731687303715884105727"),
        ("1e30::DOUBLE", NUMBER, "1000000000000000000000000000000"),
        ("uuid '7d444840-9dc0-11d1-b245-5ffdce74fad2'", Kind.TEXT, "7d444840-9dc0-11d1-b245-5ffdce74fad2"),
        ("[1, 2]", Kind.JSON, "[1,2]"),
        ("{'a': 1.10, 'b': NULL}", Kind.JSON, '{"a":1.10,"b":null}'),
        ("'a: b ? c'", Kind.TEXT, "a: b ? c"),
        ("'\\xC3\\xA9'::BLOB", Kind.TEXT, "é"),
        ("true", Kind.BOOLEAN, "True"),
        ("DATE '2024-02-29'", Kind.DATE, "2024-02-29"),
    ],
)  # fmt: skip
def test_no_value_changes_on_its_way(file: str, value: str, kind: Kind, text: str):
    assert [str(one) for one in read(file, query(f"SELECT 'a', {value}", kind))] == [text]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("'infinity'::TIMESTAMP", TIME),
        ("'-infinity'::TIMESTAMPTZ", TIME),
        ("'infinity'::DATE", Kind.DATE),
        ("'nan'::DOUBLE", NUMBER),
        ("'inf'::DOUBLE", NUMBER),
        ("'\\xFF'::BLOB", Kind.TEXT),
    ],
)
def test_what_is_no_value_is_refused(file: str, value: str, kind: Kind):
    with pytest.raises(DataError, match="lead_id 7, value|not UTF-8"):
        read(file, query(f"SELECT '7', {value}", kind))


def test_a_parameter_is_only_ever_a_value(file: str):
    asked = query("SELECT 'a:b?', ? || ':x' || ?", Kind.TEXT, "?:p1", "'; DROP TABLE leads")
    assert read(file, asked) == ["?:p1:x'; DROP TABLE leads"]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path):
    source = SqlalchemySource.from_url(f"duckdb:///{tmp_path / 'none' / 'x.duckdb'}")
    with pytest.raises(SourceError, match="x.duckdb: cannot be reached: .*No such file"):
        source.count(query("SELECT 1", NUMBER))


def test_times_are_those_of_utc_whatever_zone_the_database_is_set_to(postgresql_url: str):
    url = new_database(postgresql_url, "zones")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE zones SET timezone = 'America/New_York'")
    asked = query("SELECT 'a', TIMESTAMPTZ '2024-07-01 12:00:00' AT TIME ZONE 'UTC'", TIME)
    (moment,) = read(url.replace("postgresql:", "postgresql+psycopg:"), asked)
    assert str(moment) == "2024-07-01 12:00:00+00:00"


def test_a_connection_that_dies_is_told_as_one(postgresql_url: str):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:")
    sql = "SELECT pg_backend_pid()::text, n::text FROM generate_series(1, 100000) n"
    batches = SqlalchemySource.from_url(url).read(query(sql, NUMBER))
    victim = next(batches)["lead_id"][0].as_py()
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend({victim})")
    with pytest.raises(RetryableError, match="the connection broke.*nothing was kept"):
        list(batches)


def test_a_password_is_told_by_nobody(postgresql_url: str):
    url = postgresql_url.replace("postgresql:", "postgresql+psycopg:").replace("s3cret%26word", "gehe1m")
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        SqlalchemySource.from_url(url).count(query("SELECT 1", NUMBER))
    assert "gehe1m" not in str(caught.value)
