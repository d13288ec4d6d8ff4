"""What only PostgreSQL has: values that are no numbers and no times, and parameters by number."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy.engine import make_url

from export_pipelines.errors import DataError
from export_pipelines.read.postgresql import inlined
from export_pipelines_tests.read.databases import Postgresql, query_of, read


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", "NaN"), ("at", "infinity"), ("at", "-infinity"), ("day", "infinity"), ("amount", "many")],
)
def test_a_value_that_no_file_can_hold_is_refused_with_its_row(
    postgresql_url: str, column: str, value: str
) -> None:
    database = Postgresql(postgresql_url)
    database.fill([{"at": "2024-01-01T00:00:00Z"}, {"at": "2024-01-02T00:00:00Z", column: value}])
    with pytest.raises(DataError, match=f"lead_id 1, {column}"):
        read(database, query_of(database))


@contextmanager
def encoded(postgresql_url: str, encoding: str) -> Iterator[Postgresql]:
    """A database whose texts are stored in another encoding."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE encoded ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        yield Postgresql(make_url(postgresql_url).set(database="encoded").render_as_string(False))
        connection.execute("DROP DATABASE encoded WITH (FORCE)")


def test_texts_come_as_utf8_whatever_the_database_and_the_session_have(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with encoded(postgresql_url, "LATIN1") as database:
        database.fill([{"word": "é"}])
        other = Postgresql(f"{database.url}?client_encoding=latin1")
        assert [row["word"] for one in (database, other) for row in read(one, query_of(one))] == ["é", "é"]


def test_a_text_that_is_not_utf8_is_refused(postgresql_url: str) -> None:
    with encoded(postgresql_url, "SQL_ASCII") as database:
        database.fill([{"word": "é"}, {"word": "e"}])
        assert [row["word"] for row in read(database, query_of(database))] == ["é", "e"]
        database.execute(
            r"UPDATE leads SET word = convert_from('\xe9'::bytea, 'SQL_ASCII') WHERE lead_id = '1'"
        )
        with pytest.raises(DataError, match="^lead_id 1: a stored text is not UTF-8"):
            read(database, query_of(database))


def test_only_places_of_parameters_are_filled() -> None:
    assert inlined("""a = $1 AND "$2" = '$1''$2' AND b = $2""", ("it's $2", 5)) == (
        """a = 'it''s $2' AND "$2" = '$1''$2' AND b = 5"""
    )
