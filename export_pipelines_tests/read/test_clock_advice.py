"""The source's clock, and the zone that its database is set to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from export_pipelines.definition.filters import Filter
from export_pipelines.read.clock_advice import clock_ahead
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.plan.tables import request_for, window
from export_pipelines_tests.read.databases import Mariadb, Postgresql, Server, chosen, query_of, read

ZONE = {
    "postgresql": "ALTER DATABASE new_york SET timezone = 'America/New_York'",
    "mariadb": "SET GLOBAL time_zone = '-05:00'",
}


@pytest.mark.parametrize(("hours", "told"), [(1, -1), (-3, 3), (0, None)])
def test_the_difference_of_the_clocks_is_told(server: Server, hours: int, told: int | None) -> None:
    ahead = clock_ahead(server.url, lambda: datetime.now(UTC) + timedelta(hours=hours))
    assert (ahead and round(ahead / timedelta(hours=1))) == told


@pytest.mark.parametrize("url", ["sqlite:///none.db", "dbase://host/x", "mssql+pymssql://host/x"])
def test_what_has_no_clock_or_does_not_answer_is_not_judged(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where SQLite makes its file
    assert clock_ahead(url, lambda: datetime(2000, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("kind", [Postgresql, Mariadb])
def test_a_database_set_to_another_zone_gives_the_times_of_utc(
    request: pytest.FixtureRequest, kind: type[Postgresql] | type[Mariadb]
) -> None:
    server = kind(new_database(request.getfixturevalue(f"{kind.dialect}_url"), "new_york"))
    server.execute(ZONE[kind.dialect])
    try:
        server.fill([{"at": "2024-03-01T23:30:00Z", "at_sql": "2024-03-01 23:30:00"}])
        assert chosen(server, request_for(Filter(), window("2024-03-01", "2024-03-02"))) == [0]
        (row,) = read(server, query_of(server))
        assert row["at"] == row["at_sql"] == datetime(2024, 3, 1, 23, 30, tzinfo=UTC)
        assert clock_ahead(server.url, lambda: datetime.now(UTC)) is None
    finally:
        if kind is Mariadb:
            server.execute("SET GLOBAL time_zone = 'SYSTEM'")
