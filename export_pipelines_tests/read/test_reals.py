"""A double is spelled with the fewest digits that read back equal, and alike from every database.

EXAMPLES in the environment sets how many lists of numbers are tried."""

import math
import os
import random
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.read.reals import real_text, real_texts
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.read.databases import (
    Database,
    Duckdb,
    Mariadb,
    Postgresql,
    Sqlite,
    query_of,
    read,
)

DRIVERS = {
    "sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql", "duckdb": "duckdb",
}  # fmt: skip
TYPES = {"sqlite": "REAL", "postgresql": "DOUBLE PRECISION", "mariadb": "DOUBLE", "duckdb": "DOUBLE"}
BY_FUNCTIONS = Filter(rules=(Rule(lhv="lead_id", op=Op.MATCHES, rhv="."),))
EXAMPLES = int(os.environ.get("EXAMPLES", "3"))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
KNOWN = [
    0.46729183214048853, 47.37688781234567, -32.349787874373646, 1 / 3, 0.1, 25.0, 2.5, 123456789.123456789, 5e-324,
    1.7976931348623157e308, 2.2250738585072014e-308, 1e15, 1e15 + 0.5, 999999999999999.9, 1e14, 1e16, 1e22, 1e23, 5.815166910548726e16, 9.5e40, 1e-4, 1e-5,
    0.00012345, 9.9999e-5, 1.5e-7, -1e300, 0.0, 2.0**53, 2.0**53 + 2, 9007199254740993.0, 1234567890123456.7, -0.0,
]  # fmt: skip


def any_bits(number: int, seed: int) -> list[float]:
    """Finite doubles of all sizes, and as many of a size that people use."""
    chance = random.Random(seed)
    bits = (struct.unpack("d", struct.pack("Q", chance.getrandbits(64)))[0] for _ in range(number))
    usual = (chance.random() * 10 ** chance.randint(0, 6) for _ in range(number))
    return [real for pair in zip(bits, usual, strict=True) for real in pair if math.isfinite(real)]


@settings(deadline=None)
@given(st.lists(st.floats() | st.none(), min_size=1, max_size=30))
def test_a_text_is_the_shortest_that_reads_back_equal(reals: list[float | None]) -> None:
    texts = real_texts(pa.array(reals, pa.float64())).to_pylist()
    assert texts == [None if real is None else real_text(real) for real in reals]
    for real, digits in zip(reals, texts, strict=True):
        if real is not None and math.isfinite(real):
            assert digits is not None and float(digits) == real
            assert _figures(digits) == _figures(repr(real)) or 2**53 <= abs(real) < 1e41


def _figures(digits: str) -> str:
    return digits.partition("e")[0].removesuffix(".0").replace(".", "").strip("-0")


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "duckdb"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql_url: str
) -> tuple[Database, Database]:
    """A database, and PostgreSQL, which every other spells like."""
    folder = tmp_path_factory.mktemp("reals")
    other: Database
    match request.param:
        case "sqlite":
            other = Sqlite(folder / "reals.db")
        case "duckdb":
            other = Duckdb(folder / "reals.duckdb")
        case _:
            other = Mariadb(new_database(request.getfixturevalue("mariadb_url"), f"reals_{request.param}"))
    return other, Postgresql(new_database(postgresql_url, f"reals_{request.param}"))


def hold(database: Database, reals: list[float]) -> None:
    """Leads whose `word`, a text, and `amount`, a number, are kept as doubles."""
    database.fill([{}])
    url = make_url(database.url).set(drivername=DRIVERS[database.dialect])
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM leads"))
        for column in ("word", "amount"):
            connection.execute(text(f"ALTER TABLE leads DROP COLUMN {column}"))
            connection.execute(text(f"ALTER TABLE leads ADD COLUMN {column} {TYPES[database.dialect]}"))
    with engine.begin() as connection:
        insertion = text("INSERT INTO leads (lead_id, word, amount) VALUES (:id, :real, :real)")
        connection.execute(
            insertion, [{"id": f"{n:09d}", "real": real + 0.0} for n, real in enumerate(reals)]
        )
    engine.dispose()


def cells(database: Database, filter: Filter | None = None) -> list[tuple[Any, Any]]:
    rows = sorted(read(database, query_of(database, filter)), key=lambda row: row["lead_id"])
    return [(row["word"], row["amount"]) for row in rows]


def compare(pair: tuple[Database, Database], reals: list[float]) -> None:
    for database in pair:
        hold(database, reals)
    first, other = (cells(database) for database in pair)
    wrong = [(real, *texts) for real, *texts in zip(reals, first, other, strict=True) if texts[0] != texts[1]]
    assert wrong == []
    assert [float(number) for _, number in first] == reals
    assert [word for word, _ in first] == [real_text(real + 0.0) for real in reals]
    if isinstance(pair[0], Sqlite):
        assert cells(pair[0], BY_FUNCTIONS) == first


def test_every_database_spells_a_double_alike(pair: tuple[Database, Database]) -> None:
    compare(pair, [*KNOWN, *any_bits(300, 1)])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(FINITE, min_size=1, max_size=30))
def test_every_database_spells_any_finite_double_alike(
    pair: tuple[Database, Database], reals: list[float]
) -> None:
    compare(pair, reals)


def test_a_zero_has_no_sign_where_it_is_a_number(pair: tuple[Database, Database]) -> None:
    for database in pair:
        hold(database, [0.0])
        engine = create_engine(make_url(database.url).set(drivername=DRIVERS[database.dialect]))
        with engine.begin() as connection:
            connection.execute(text("UPDATE leads SET amount = -0e0"))
        engine.dispose()
        assert cells(database) == [("0", "0")]


def test_a_text_beside_numbers_stays_as_it_is(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "mixed.db")
    database.fill([{}])
    values = [0.46729183214048853, "0.46729183214048853000", 7, None, "x", 2.0, "1e5", 1e300]
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("DELETE FROM leads")
        connection.execute("ALTER TABLE leads DROP COLUMN word")
        connection.execute("ALTER TABLE leads ADD COLUMN word")  # of no affinity
        connection.executemany("INSERT INTO leads (lead_id, word) VALUES (?, ?)", enumerate(values))
    expected = ["0.46729183214048853", "0.46729183214048853000", "7", None, "x", "2", "1e5", "1e+300"]
    assert [word for word, _ in cells(database)] == expected
    assert [word for word, _ in cells(database, BY_FUNCTIONS)] == expected
