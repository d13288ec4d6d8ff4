"""What only PostgreSQL has: values that are no numbers and no times, and parameters by number."""

import psycopg
import pytest
from sqlalchemy.engine import make_url

from export_pipelines.errors import DataError
from export_pipelines.stream.read_postgresql import inlined
from export_pipelines_tests.stream.databases import Postgresql, query_of, read


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", "NaN"), ("at", "infinity"), ("at", "-infinity"), ("day", "infinity"), ("amount", "many")],
)
def test_a_value_that_no_file_can_hold_is_refused_with_its_row(postgresql_url: str, column: str, value: str):
    database = Postgresql(postgresql_url)
    database.fill([{"at": "2024-01-01T00:00:00Z"}, {"at": "2024-01-02T00:00:00Z", column: value}])
    with pytest.raises(DataError, match=f"lead_id 1, {column}"):
        read(database, query_of(database))


def test_a_text_that_is_not_utf8_is_refused_where_the_database_does_not_look(postgresql_url: str):
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS unlooked")
        connection.execute(
            "CREATE DATABASE unlooked ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    database = Postgresql(make_url(postgresql_url).set(database="unlooked").render_as_string(False))
    database.fill([{"word": "é"}, {"word": "e"}])
    assert [row["word"] for row in read(database, query_of(database))] == ["é", "e"]
    database.execute(r"UPDATE leads SET word = convert_from('\xe9'::bytea, 'SQL_ASCII') WHERE lead_id = '1'")
    with pytest.raises(DataError, match="lead_id 1, word: a stored text is not UTF-8"):
        read(database, query_of(database))


def test_only_places_of_parameters_are_filled():
    assert inlined("""a = $1 AND "$2" = '$1''$2' AND b = $2""", ("it's $2", 5)) == (
        """a = 'it''s $2' AND "$2" = '$1''$2' AND b = 5"""
    )
