"""A ledger on each database that can hold one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.settings import driver_url
from export_pipelines_tests.ledger_template import OPENING, migrate


@pytest.fixture(autouse=True)
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this room no new ledger is copied."""
    monkeypatch.setattr(OPENING, "_migrate", migrate)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"ledger_{os.getpid()}_{abs(hash(tmp_path))}"
    admin = sa.create_engine(driver_url(server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """No cursor is forgotten while it is in use: SQLite commits nothing as long as a result of the connection is unread, which
    must not depend on when Python takes the cursor away."""
    opened, cursors = open_ledger(url), list[object]()
    sa.event.listen(opened.engine, "after_cursor_execute", lambda _, cursor, *__: cursors.append(cursor))
    yield opened
    opened.engine.dispose()
