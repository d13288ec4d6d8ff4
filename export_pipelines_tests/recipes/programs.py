"""The programs that recipes are for, each in a fresh place: a recipe is run as it stands, and the table is read back in the
order of its first column."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pymysql
from sqlalchemy.engine import make_url

from export_pipelines.recipes import Recipe, Table
from export_pipelines.recipes.sql import quoted
from export_pipelines_servers.packages import program
from export_pipelines_servers.postgresql import BINARIES, _package
from export_pipelines_tests.encode.tables import Row

Load = Callable[[Recipe, Table, Path, str], Sequence[Row]]
LONGEST_S = 120


@dataclass(frozen=True)
class Program:
    """Runs a recipe in a folder and reads the table back; `server` is the fixture with the URL of its server."""

    load: Load
    server: str | None = None


def answer(command: list[str], folder: Path, script: str = "", **environment: str) -> str:
    """What a command says; nothing, where all went well."""
    done = subprocess.run(
        command, cwd=folder, input=script, env=os.environ | environment, capture_output=True, text=True, timeout=LONGEST_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr or done.stdout)[-2000:]
    return done.stdout + done.stderr


def in_shell(recipe: Recipe, folder: Path) -> None:
    """The commands that come first."""
    for command in recipe.first:
        assert f"First, in the shell: {command}\n" in recipe.text
        answer(["bash", "-o", "pipefail", "-c", command], folder)


def postgresql(recipe: Recipe, table: Table, folder: Path, url: str) -> Sequence[Row]:
    (folder / "recipe.sql").write_text(recipe.text, encoding="utf-8")
    psql = shutil.which("psql") or str(_package() / BINARIES / "psql")
    assert answer([psql, "-X", "-q", "-A", "-t", "-d", url, "-f", "recipe.sql"], folder) == ""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        result = connection.execute(f"SELECT * FROM {table.name} LIMIT 0")
        columns = [(item.name, item.type_code) for item in result.description or ()]
        selected = ", ".join(
            f"{quoted(name)}::text" if code == JSON_CODE else quoted(name) for name, code in columns
        )
        return connection.execute(f"SELECT {selected} FROM {table.name} ORDER BY 1").fetchall()


JSON_CODE = 114


def mariadb(recipe: Recipe, table: Table, folder: Path, url: str) -> Sequence[Row]:
    where = make_url(url)
    client = program("mariadb", "mariadb-client")
    settings: Mapping[str, Any] = {
        "host": where.host, "port": where.port, "user": where.username, "password": where.password, "database": where.database,
    }  # fmt: skip
    with pymysql.connect(**settings, charset="utf8mb4") as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL local_infile = 1")
        call = [
            client, "--no-defaults", "--local-infile=1", f"--host={where.host}", f"--port={where.port}",
            f"--user={where.username}", "--default-character-set=utf8mb4", str(where.database),
        ]  # fmt: skip
        assert answer(call, folder, recipe.text, MYSQL_PWD=str(where.password)) == ""
        cursor.execute(f"SELECT * FROM {table.name} ORDER BY 1")
        return list(cursor.fetchall())


def sqlite(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    import sqlite3

    assert answer([program("sqlite3", "sqlite3"), "new.db"], folder, recipe.text) == ""
    with sqlite3.connect(folder / "new.db") as connection:
        return connection.execute(f"SELECT * FROM {table.name} ORDER BY 1").fetchall()


def in_duckdb(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    in_shell(recipe, folder)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        assert connection.execute(recipe.text).fetchall() == []
        return connection.execute(f"SELECT * FROM {table.name} ORDER BY 1").fetchall()


def in_python(result: str, rows: Callable[[Any], Sequence[Row]]) -> Load:
    """Of a library; the recipe leaves its table in the variable `result`."""

    def load(recipe: Recipe, _: Table, folder: Path, url: str) -> Sequence[Row]:
        variables: dict[str, Any] = {}
        exec(compile(recipe.text, "recipe.py", "exec"), variables)
        return rows(variables[result])

    return load


def of_arrow(table: Any) -> Sequence[Row]:
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


def of_pandas(frame: Any) -> Sequence[Row]:
    import pandas as pd

    columns = [[None if cell is pd.NA else cell for cell in frame[name].tolist()] for name in frame.columns]
    return list(zip(*columns, strict=True))


PROGRAMS: Mapping[str, Program] = {
    "postgresql": Program(postgresql, "postgresql_url"),
    "mariadb": Program(mariadb, "mariadb_url"),
    "sqlite": Program(sqlite),
    "duckdb": Program(in_duckdb),
    "polars": Program(in_python("frame", lambda frame: frame.rows())),
    "pandas": Program(in_python("frame", of_pandas)),
    "pyarrow": Program(in_python("table", of_arrow)),
}
