"""Ctrl-C and SIGTERM while a driver blocks: it is made to give up, else the process ends all the same, and says so."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.interrupting import SIGNS
from export_pipelines_tests.preloaded import Process

HOLDS = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from export_pipelines.interrupts import ends_soon, exit_code
from export_pipelines.plan.query.query import Query
from export_pipelines.read.mariadb.reader import MariadbSource
from export_pipelines.read.postgresql import PostgresqlSource
from export_pipelines.read.sqlite import SqliteSource

url, sql, record, *functions = sys.argv[1:]
columns = (SimpleNamespace(name="a", in_json=True),)
query = Query.model_construct(sql=sql, parameters=(), columns=columns, functions=functions, bad_json_is_null=False)
KINDS = {"mariadb": MariadbSource, "postgresql": PostgresqlSource, "sqlite": SqliteSource}

def work():
    if url == "none":
        time.sleep(600)
    list(KINDS[url.partition(":")[0]].from_url(url).read(query))

try:
    with ends_soon(lambda: Path(record).write_text("recorded")), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(work)
        print("begun", flush=True)
        waiting.result()
except KeyboardInterrupt:
    sys.exit(exit_code())
"""
MARK = "held by a test of interrupts"
POSTGRESQL = f"SELECT pg_sleep(600)::text AS a /* {MARK} */"
SQLITE = (
    "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 1e11)"
    " SELECT CAST(max(a) AS TEXT) AS a FROM n ORDER BY 1"
)
PATIENCE_S = 60
MARIADB = f"SELECT CONCAT(SLEEP(600)) AS a /* {MARK} */"


def interrupted(
    url: str,
    sql: str,
    record: Path,
    sign: signal.Signals,
    is_begun: Callable[[], bool] = lambda: True,
    functions: Sequence[str] = (),
) -> int:
    """The exit code of a process that waits for what takes ten minutes, and is interrupted when that `is_begun`."""
    words = ["-c", HOLDS, url, sql, str(record), *functions]
    with Process(words, record.parent, child_environment()) as process:
        assert process.stdout.readline() == "begun\n"
        until = time.monotonic() + PATIENCE_S
        while not is_begun():
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.5)  # so that the driver waits for the answer
        process.send_signal(sign)
        process.communicate(timeout=PATIENCE_S)
        return process.wait()


DEAF = "import os, signal, sys; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; os.execv(sys.argv[1], sys.argv[1:])"
IN_TEXT = """
import os, signal, sys
from export_pipelines.interrupts import exit_code, hear
hear()
try:
    exec("os.kill(os.getpid(), signal.SIGTERM); signal.pause()")
except KeyboardInterrupt:
    sys.exit(exit_code())
"""


@pytest.mark.parametrize("sign", SIGNS)
def test_what_lets_nobody_go_ends_with_its_process_and_is_recorded(
    tmp_path: Path, sign: signal.Signals
) -> None:
    assert interrupted("none", "", tmp_path / "record", sign) == SIGNS[sign]
    assert (tmp_path / "record").read_text() == "recorded"


def test_what_is_interrupted_while_text_is_executed_keeps_its_exit_code(tmp_path: Path) -> None:
    """As when it makes dataclasses."""
    (tmp_path / "in_text.py").write_text(IN_TEXT)
    command = [sys.executable, "-m", "in_text"]
    assert subprocess.run(command, cwd=tmp_path, env=child_environment(), check=False).returncode == 143


@pytest.mark.parametrize("sign", SIGNS)
def test_a_process_that_was_started_deaf_hears(tmp_path: Path, sign: signal.Signals) -> None:
    """As in the background of a script, or by a program in which Dagster ran there."""
    deaf = [sys.executable, "-c", DEAF, sys.executable, "-c", HOLDS, "none", "", str(tmp_path / "record")]
    with subprocess.Popen(deaf, env=child_environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(sign)
        assert process.wait(60) == SIGNS[sign]


def test_a_query_of_postgresql_is_cancelled_on_the_server(postgresql_url: str, tmp_path: Path) -> None:
    """Else it would go on for hours: a server sees that its client has gone when it has something to say."""
    with psycopg.connect(postgresql_url, autocommit=True) as look:

        def is_asked() -> bool:
            query = "SELECT FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE %s"
            return look.execute(query, [f"%{MARK}%"]).fetchone() is not None

        record = tmp_path / "record"
        assert interrupted(postgresql_url, POSTGRESQL, record, signal.SIGTERM, is_asked) == 143
        assert not is_asked()


def test_a_thread_that_waits_for_mariadb_is_let_go(mariadb_url: str, tmp_path: Path) -> None:
    engine = create_engine(mariadb_url.replace("mariadb:", "mysql+pymysql:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as look:

        def is_asked() -> bool:
            query = (
                "SELECT 1 FROM information_schema.processlist WHERE id <> connection_id() AND info LIKE :text"
            )
            return look.execute(text(query), {"text": f"%{MARK}%"}).first() is not None

        assert interrupted(mariadb_url, MARIADB, tmp_path / "record", signal.SIGINT, is_asked) == 130
    engine.dispose()
    assert not (tmp_path / "record").exists(), "it ended by itself"


@pytest.mark.parametrize("functions", [(), ("regexp",)], ids=["by column", "with functions"])
def test_a_query_of_sqlite_ends_at_the_latest_with_its_process(
    tmp_path: Path, functions: Sequence[str]
) -> None:
    file = tmp_path / "leads.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE leads (lead_id TEXT)")
    url, record = f"sqlite:///{file}", tmp_path / "record"
    assert interrupted(url, SQLITE, record, signal.SIGTERM, functions=functions) == 143
