"""PostgreSQL and MariaDB over servers of their own; the way to ask is the statement that loads the file into a table with types."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pymysql
from sqlalchemy.engine import make_url

from export_pipelines_servers.mariadb import mariadb
from export_pipelines_servers.postgresql import postgresql
from readers.compare import Table
from readers.program import Program

POSTGRESQL_TABLE = """CREATE TEMP TABLE t
    (id bigint, word text, zip text, amount numeric, big bigint, at timestamptz, day date, flag boolean, extra json)"""
MARIADB_TABLE = """CREATE TEMPORARY TABLE t (id BIGINT, word TEXT, zip TEXT, amount DECIMAL(38,2), big BIGINT,
    at DATETIME(3), day DATE, flag BOOLEAN, extra JSON) CHARSET utf8mb4 COLLATE utf8mb4_nopad_bin"""
LOAD = "LOAD DATA LOCAL INFILE FILE INTO TABLE t CHARACTER SET utf8mb4"
TRUTH = "flag = CASE @flag WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
WORDS = (
    "(id, word, zip, amount, big, @at, day, @flag, extra) "
    f"SET at = REPLACE(REPLACE(@at, 'T', ' '), 'Z', ''), {TRUTH}"
)
BLANKS = (
    "(id, word, zip, @amount, @big, @at, @day, @flag, @extra) SET amount = NULLIF(@amount, ''), big = NULLIF(@big, ''), "
    "at = REPLACE(REPLACE(NULLIF(@at, ''), 'T', ' '), 'Z', ''), day = NULLIF(@day, ''), extra = NULLIF(@extra, ''), "
    f"{TRUTH}"
)
BY_COMMA = "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'"


@contextmanager
def programs() -> Iterator[tuple[Program, ...]]:
    """Both, as long as their servers run."""
    with ExitStack() as stack:
        urls = [stack.enter_context(postgresql()), stack.enter_context(mariadb())]
        yield (
            Program("PostgreSQL", _postgresql_version(urls[0]), _ask_postgresql(urls[0]), {
                "csv": ("COPY t FROM STDIN (FORMAT csv, HEADER MATCH)",),
                "csv, null_marker NULL": ("COPY t FROM STDIN (FORMAT csv, HEADER MATCH, NULL 'NULL')",),
                "tsv": ("COPY t FROM STDIN (FORMAT csv, HEADER MATCH, DELIMITER E'\\t')", "COPY t FROM STDIN (HEADER MATCH)"),
                "tsv, escape backslash": ("COPY t FROM STDIN (HEADER MATCH)",),
            }),
            Program("MariaDB", _mariadb_version(urls[1]), _ask_mariadb(urls[1]), {
                "csv": (f"{LOAD} {BY_COMMA} IGNORE 1 LINES", f"{LOAD} {BY_COMMA} ESCAPED BY '' IGNORE 1 LINES {BLANKS}"),
                "csv, null_marker NULL": (f"{LOAD} {BY_COMMA} ESCAPED BY '' IGNORE 1 LINES {WORDS}",),
                "tsv": (f"{LOAD} IGNORE 1 LINES",),
                "tsv, escape backslash": (f"{LOAD} IGNORE 1 LINES", f"{LOAD} IGNORE 1 LINES {WORDS}"),
            }),
        )  # fmt: skip


def _postgresql_version(url: str) -> Callable[[], str]:
    def version() -> str:
        with psycopg.connect(url) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]

    return version


def _ask_postgresql(url: str) -> Callable[[str, Path], Table]:
    def ask(asked: str, file: Path) -> Table:
        with psycopg.connect(url, options="-c timezone=UTC") as connection:
            connection.execute(POSTGRESQL_TABLE)
            with connection.cursor().copy(asked) as copy:
                copy.write(file.read_bytes())
            # as texts: Python has no days beyond its own, and would read JSON through floats
            found = connection.execute(
                "SELECT id, word, zip, amount, big, at, day, flag, extra::text AS extra FROM t ORDER BY id"
            )
            return Table(
                [one.name for one in found.description or ()], [list(row) for row in found.fetchall()]
            )

    return ask


def _connection(url: str) -> pymysql.Connection:
    where = make_url(url)
    return pymysql.connect(
        host=where.host, port=where.port or 3306, user=where.username, password=str(where.password), database=where.database,
        local_infile=True, charset="utf8mb4",
    )  # fmt: skip


def _mariadb_version(url: str) -> Callable[[], str]:
    def version() -> str:
        with _connection(url) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT VERSION()")
            (version,) = cursor.fetchall()
            return str(version[0]).split("-")[0]

    return version


def _ask_mariadb(url: str) -> Callable[[str, Path], Table]:
    def ask(asked: str, file: Path) -> Table:
        with _connection(url) as connection, connection.cursor() as cursor:
            cursor.execute("SET GLOBAL local_infile = 1")
            cursor.execute(MARIADB_TABLE)
            cursor.execute(asked.replace("INFILE FILE", f"INFILE '{file}'"))
            cursor.execute("SELECT * FROM t ORDER BY id")
            return Table([one[0] for one in cursor.description], [list(row) for row in cursor.fetchall()])

    return ask
