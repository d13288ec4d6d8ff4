"""The lead store's types: exact text on SQLite, real types on PostgreSQL and MariaDB, the same values out as in."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import StatementError
from sqlalchemy.schema import CreateTable

from export_pipelines.lead_store.store import create_store, writing
from export_pipelines.lead_store.tables import leads
from export_pipelines_servers.databases import new_database

LEAD = {
    "lead_id": "65a5051500000000000000aa",
    "submitted_at": datetime(2024, 1, 15, 10, 30, 45, 123_000, UTC),
    "tcpa_consent": True,
    "dob": date(1980, 2, 29),
    "price": Decimal("25.00"),
    "custom": {"loan_amount": Decimal("12.50"), "clé": "été", "nested": [1, None]},
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'new' / 'leads.db'}"
    create_store(url)
    return url


def test_what_goes_in_comes_out(url: str) -> None:
    with create_engine(url).begin() as connection:
        connection.execute(insert(leads), LEAD)
        stored = connection.execute(select(leads)).mappings().one()
    assert {name: stored[name] for name in LEAD} == LEAD


@pytest.mark.parametrize(
    ("column", "spelling"),
    [
        ("submitted_at", "2024-01-15T10:30:45.123Z"),
        ("tcpa_consent", 1),
        ("dob", "1980-02-29"),
        ("price", "25.00"),
        ("custom", '{"loan_amount":12.50,"clé":"été","nested":[1,null]}'),
    ],
)
def test_sqlite_holds_one_exact_spelling(url: str, column: str, spelling: object) -> None:
    with create_engine(url).begin() as connection:
        connection.execute(insert(leads), LEAD)
        assert connection.execute(text(f"SELECT {column} FROM leads")).scalar_one() == spelling


def test_a_moment_of_another_zone_is_stored_in_utc(url: str) -> None:
    moment = datetime(2024, 1, 15, 1, tzinfo=timezone(timedelta(hours=2)))
    with create_engine(url).begin() as connection:
        connection.execute(insert(leads), LEAD | {"submitted_at": moment})
        stored = connection.execute(text("SELECT submitted_at FROM leads")).scalar_one()
    assert stored == "2024-01-14T23:00:00.000Z"


@pytest.mark.parametrize(
    "wrong",
    [{"submitted_at": datetime(2024, 1, 15)}, {"price": Decimal("0.005")}],  # noqa: DTZ001
)
def test_a_value_that_would_change_is_refused(url: str, wrong: dict[str, object]) -> None:
    with create_engine(url).connect() as connection, pytest.raises(StatementError):
        connection.execute(insert(leads), LEAD | wrong)


def test_creating_a_store_twice_keeps_its_rows(url: str) -> None:
    with create_engine(url).begin() as connection:
        connection.execute(insert(leads), LEAD)
    create_store(url)
    with create_engine(url).connect() as connection:
        assert connection.execute(select(leads.c.lead_id)).scalars().all() == [LEAD["lead_id"]]


def test_postgresql_gets_its_own_types() -> None:
    ddl = str(CreateTable(leads).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    for column in (
        "submitted_at TIMESTAMP WITH TIME ZONE NOT NULL",
        "tcpa_consent BOOLEAN",
        "dob DATE",
        "price NUMERIC(14, 2)",
        "custom JSON",
    ):
        assert column in ddl


def test_mariadb_gets_its_own_types_and_compares_texts_by_code_point() -> None:
    ddl = str(CreateTable(leads).compile(dialect=mysql.dialect()))
    for part in (
        "submitted_at DATETIME(3) NOT NULL",
        "tcpa_consent BOOL",
        "dob DATE",
        "price NUMERIC(14, 2)",
        "custom LONGTEXT",
        "COLLATE utf8mb4_nopad_bin",
    ):
        assert part in ddl


def test_what_goes_into_mariadb_comes_out(mariadb_url: str) -> None:
    url = new_database(mariadb_url, "types")
    create_store(url)
    moment = datetime(2024, 1, 15, 1, tzinfo=timezone(timedelta(hours=2)))
    with writing(url) as connection:
        connection.execute(insert(leads), LEAD | {"delivered_at": moment})
        stored = connection.execute(select(leads)).mappings().one()
        spelled = connection.execute(text("SELECT custom FROM leads")).scalar_one()
    assert {name: stored[name] for name in LEAD} == LEAD
    assert stored["delivered_at"] == moment
    assert spelled == '{"loan_amount":12.50,"clé":"été","nested":[1,null]}'


def test_numbers_within_json_come_out_of_postgresql_exactly(postgresql_url: str) -> None:
    """A second import compares them with what its file says."""
    url = new_database(postgresql_url, "types")
    create_store(url)
    custom = {"share": Decimal("0.85"), "large": 12345678901234567890, "nested": [Decimal("0.1"), True]}
    with writing(url) as connection:
        connection.execute(insert(leads), LEAD | {"custom": custom})
        stored = connection.execute(select(leads.c.custom)).scalar_one()
    assert stored == custom and isinstance(stored["share"], Decimal)
