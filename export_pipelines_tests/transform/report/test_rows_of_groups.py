"""A value that a group or a sum cannot be made of fails the report, and the error names the event that holds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from export_pipelines.errors import DataError
from export_pipelines.settings import driver_url
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.transform.report.store import copy, report

ID = "000000000000000000000007"
OVERFLOW = "CAST(ms + CASE WHEN event_id = :id THEN 9223372036854775807 ELSE 0 END * 2 AS {type})"
SPOILED = {  # by database and report, what one event then holds or what a view then computes of it
    "sqlite": {
        "metrics: [avg_ms]": "UPDATE events SET ms = 'fast' WHERE event_id = :id",
        "metrics: [max_ms]": "UPDATE events SET ms = 1.5 WHERE event_id = :id",
        "metrics: [source_submitted]\ngroup_by: [reason]": "UPDATE events SET reason = x'ff' WHERE event_id = :id",
        "metrics: [source_submitted]\ngroup_by: [ms]": "UPDATE events SET ms = 'fast' WHERE event_id = :id",
    },
    "postgresql": {"metrics: [avg_ms]": "BIGINT", "metrics: [source_submitted]\ngroup_by: [ms]": "BIGINT"},
    "mariadb": {"metrics: [avg_ms]": "SIGNED", "metrics: [source_submitted]\ngroup_by: [ms]": "SIGNED"},
}
CASES = [(database, yaml) for database, cases in SPOILED.items() for yaml in cases]


@pytest.fixture(scope="module")
def urls(sqlite_url: str) -> dict[str, str]:
    """Stores of the module's own, by database."""
    return {}


@pytest.fixture
def url(
    request: pytest.FixtureRequest, sqlite_url: str, urls: dict[str, str], tmp_path: Path
) -> Iterator[str]:
    database, yaml = request.param
    if database == "sqlite":
        spoiled = f"sqlite:///{tmp_path / 'leads.db'}"
        Path(spoiled.removeprefix("sqlite:///")).write_bytes(
            Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()
        )
        _execute(spoiled, SPOILED[database][yaml])
        yield spoiled
        return
    if database not in urls:
        urls[database] = new_database(request.getfixturevalue(f"{database}_url"), "groups")
        copy(sqlite_url, urls[database])
    url = urls[database]
    overflow = OVERFLOW.format(type=SPOILED[database][yaml]).replace(":id", f"'{ID}'")
    columns = (
        "event_id, type, event_type, outcome, reason, lead_id, occurred_at, recipient_id, source_id, flow_id"
    )
    _execute(
        url,
        "ALTER TABLE events RENAME TO stored",
        f"CREATE VIEW events AS SELECT {columns}, {overflow} AS ms FROM stored",
    )
    yield url
    _execute(url, "DROP VIEW events", "ALTER TABLE stored RENAME TO events")


def _execute(url: str, *statements: str) -> None:
    engine = create_engine(driver_url(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), {"id": ID} if ":id" in statement else {})
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "yaml"), [(case, case[1]) for case in CASES], indirect=["url"], ids=map(str, CASES)
)
def test_the_event_is_named(url: str, yaml: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=ID) as raised:
        report(url, tmp_path, yaml)
    assert not raised.value.retryable
