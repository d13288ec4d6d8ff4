"""What the source of every server owes: one state of the database, no writing, and errors that tell no password."""

import re
from contextlib import closing
from datetime import date

import pytest

from export_pipelines import connecting
from export_pipelines.definition.export import Split
from export_pipelines.errors import ExportError, SourceError
from export_pipelines.read.open_source import open_source
from export_pipelines.sample import generate_leads
from export_pipelines_servers.late_relay import late_relay
from export_pipelines_tests.read.databases import Server, query_of, source_of
from export_pipelines_tests.run.whole_run import plan_of

READER = {
    "postgresql": ("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN PASSWORD 'r'"),
    "mariadb": (
        "CREATE OR REPLACE USER reader@127.0.0.1 IDENTIFIED BY 'r'",
        "GRANT SELECT ON tests.flows TO reader@127.0.0.1",
    ),
}
DENIED = {"postgresql": "permission denied for table leads", "mariadb": "SELECT command denied .*leads"}
WRONG = {
    "postgresql": {
        "password": 'password authentication failed for user "postgres"',
        "user": 'password authentication failed for user "nobody"',
        "database": 'database "nowhere" does not exist',
        "port": "127.0.0.1:1/postgres: cannot be reached",
    },
    "mariadb": {
        "password": "Access denied for user 'tester'@",
        "user": "Access denied for user 'nobody'@",
        "database": "Unknown database 'nowhere'",
        "port": "127.0.0.1:1/tests: cannot be reached",
    },
}
REFUSED = dict.fromkeys(("postgresql", "mariadb"), "(?i)read.only transaction")
REFUSED["another"] = "syntax error"  # of a cursor for what is no SELECT
READER["another"] = READER["postgresql"]
DENIED["another"] = DENIED["postgresql"]
WRONG["another"] = WRONG["postgresql"]
CHANGES = {
    "password": (r"s3cret%26word", "gehe1m"),
    "user": (r"//\w+:", "//nobody:"),
    "database": (r"/\w+$", "/nowhere"),
    "port": (r":\d+/", ":1/"),
}


def test_rows_that_come_in_meanwhile_do_not_tear_an_export(server: Server) -> None:
    generate_leads(server.url, 8_000, 7, date(2024, 1, 15), 1, replace=True)
    plan = plan_of(dialect=server.dialect, fields="all", split=Split())
    with closing(source_of(server).read(plan.query)) as batches:  # type: ignore[type-var]
        seen = next(batches).num_rows
        server.execute(
            "UPDATE leads SET lead_id = concat('x', right(lead_id, 23))",
            "DELETE FROM leads WHERE reference LIKE '%1'",
        )
        rows = [row["lead_id"] for batch in batches for row in batch.to_pylist()]
    assert 0 < seen < 8_000 and seen + len(rows) == 8_000
    assert not any(id.startswith("x") for id in rows)


@pytest.mark.parametrize("part", CHANGES)
def test_a_wrong_address_is_told_without_its_password(
    server: Server, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "PAUSES_S", (0.01, 0.01))  # before a refused connection is tried again
    url = re.sub(*CHANGES[part], server.url)
    query = query_of(server)
    for ask in (
        open_source(url).check,
        open_source(url).count,
        lambda query: list(open_source(url).read(query)),
    ):
        with pytest.raises(ExportError) as caught:
            ask(query)
        assert "s3cret" not in str(caught.value) and "gehe1m" not in str(caught.value)
    with pytest.raises(SourceError, match=re.escape(WRONG[server.dialect][part])):
        open_source(url).check(query)


def test_a_missing_right_is_told_with_the_table(server: Server) -> None:
    server.fill([])
    server.execute(*READER[server.dialect])
    url = re.sub(r"//.*@", "//reader:r@", server.url)
    with pytest.raises(SourceError, match=DENIED[server.dialect]):
        open_source(url).check(query_of(server))


def test_no_filter_can_write(server: Server) -> None:
    server.fill([])
    query = query_of(server).model_copy(update={"sql": "DELETE FROM leads RETURNING lead_id"})
    with pytest.raises(ExportError, match=REFUSED[server.dialect]):
        list(source_of(server).read(query))


def test_a_server_that_is_still_starting_is_asked_again(server: Server) -> None:
    server.fill([{}, {}])
    port = int(re.search(r":(\d+)/", server.url)[1])  # type: ignore[index]
    with late_relay(port, 0.3) as late:
        source = open_source(server.url.replace(f":{port}/", f":{late}/"))
        assert source.count(query_of(server)) == 2
