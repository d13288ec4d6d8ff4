"""Programs that `make readers` installs: ClickHouse as a library, R, Node and LibreOffice; and dbt, in an environment of its own."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import python_calamine

from export_pipelines.catalog import Kind
from export_pipelines.recipes import Recipe, Table, recipe_for
from export_pipelines_servers.packages import separate_program
from export_pipelines_tests.encode.tables import Row
from export_pipelines_tests.recipes.programs import Program, answer, in_shell, of_arrow
from readers.languages import PACKAGE, install_node

# the rows as texts, times as milliseconds since 1970
SHOW_R = """
source("recipe.R")
text <- function(column) if (inherits(column, "POSIXct")) sprintf("%.0f", as.numeric(column) * 1000) else as.character(column)
cells <- lapply(frame, function(column) ifelse(is.na(column), NA_character_, text(column)))
cat(jsonlite::toJSON(unname(cells), na = "null", null = "null"))
"""
SHOW_NODE = """
const shown = value => typeof value === 'bigint' ? String(value) : value instanceof Date ? String(value.getTime()) : value
console.log(JSON.stringify(rows.map(row => Object.values(row).map(shown))))
"""
DBT = ("dbt-core==1.11.16", "dbt-duckdb==1.11.1")  # whose agate is of another version than csvkit's
PROFILES = "odd: {{target: dev, outputs: {{dev: {{type: duckdb, threads: 1, path: {path}}}}}}}\n"
TRUTHS = {"TRUE": True, "FALSE": False, True: True, False: False}


def clickhouse(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    from chdb.session import Session

    in_shell(recipe, folder)
    with Session(str(folder / "chdb")) as session:
        for statement in filter(str.strip, recipe.text.split(";\n")):
            last = session.query(statement, "TSV")
        assert last.data() == ""
        rows = session.query(f"SELECT * FROM {table.name} ORDER BY 1", "ArrowTable")
        return of_arrow(rows)


def in_r(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    (folder / "recipe.R").write_text(recipe.text, encoding="utf-8")
    (folder / "show.R").write_text(SHOW_R, encoding="utf-8")
    printed = answer(["Rscript", "show.R"], folder, LC_ALL="C.UTF-8", TZ="Asia/Tokyo")
    columns = json.loads(printed.partition("Warning:")[0])
    return [typed(table, cells) for cells in zip(*columns, strict=True)]


def in_node(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    install_node()
    (folder / "node_modules").symlink_to(PACKAGE.parent / "node_modules")
    (folder / "recipe.mjs").write_text(recipe.text + SHOW_NODE, encoding="utf-8")
    rows = json.loads(answer(["node", "recipe.mjs"], folder))
    return [typed(table, cells) for cells in rows]


def typed(table: Table, cells: Sequence[Any]) -> Row:
    """What a language that has no types of Python printed."""
    types: Mapping[Kind, Callable[[Any], Any]] = {
        Kind.INTEGER: int,
        Kind.BOOLEAN: TRUTHS.__getitem__,
        Kind.TIMESTAMP: lambda cell: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(cell)),
    }
    return tuple(
        None if cell is None else types.get(column.kind, str)(cell)
        for column, cell in zip(table.columns, cells, strict=True)
    )


def in_dbt(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    """A project of dbt with DuckDB, whose recipe loads the table first. dbt itself runs the tests of the recipe."""
    loader = recipe_for(table, "duckdb")
    in_shell(loader, folder)
    with duckdb.connect(folder / "new.db", config={"threads": 1}) as connection:
        assert connection.execute(loader.text).fetchall() == []
    project = folder / "project"
    project.mkdir()
    (project / "recipe.sh").write_text(recipe.text, encoding="utf-8")
    (project / "dbt_project.yml").write_text("{name: odd, version: 1.0.0, profile: odd}\n")
    (project / "profiles.yml").write_text(PROFILES.format(path=folder / "new.db"))
    path = f"{Path(separate_program('dbt', *DBT)).parent}:{os.environ['PATH']}"
    said = answer(
        ["sh", "recipe.sh"], project, PATH=path, DBT_SEND_ANONYMOUS_USAGE_STATS="false", NO_COLOR="1"
    )
    assert re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", said), said[-2000:]
    with duckdb.connect(folder / "new.db", config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT * FROM stg_{table.name} ORDER BY 1").fetchall()


def in_libreoffice(recipe: Recipe, table: Table, folder: Path, _: str) -> Sequence[Row]:
    """The workbooks, read by another library. Each cell of a text file is a text, of which the type is known."""
    (folder / "recipe.sh").write_text(recipe.text, encoding="utf-8")
    answer(["sh", "recipe.sh"], folder, HOME=str(folder), LC_ALL="C.UTF-8")
    rows: list[Row] = []
    marker = [table.marker] * len(table.columns)
    for file in sorted((folder / "workbooks").iterdir()):
        sheet = python_calamine.load_workbook(file).get_sheet_by_index(0)
        rows += [
            tuple(_of_sheet(*cell) for cell in zip(table.columns, marker, row, strict=True))
            for row in sheet.to_python(skip_empty_area=False)[1:]
        ]
    return rows


def _of_sheet(column: Any, marker: str, cell: Any) -> Any:
    """A number of a sheet is exact to 15 digits, a time to a millisecond."""
    if column.kind in (Kind.TEXT, Kind.JSON, Kind.NUMBER) or (marker and cell == marker):
        return str(cell)
    if cell == "":
        return None
    match column.kind:
        case Kind.INTEGER:
            return int(cell)
        case Kind.BOOLEAN:
            return cell in (True, "true")
        case Kind.DECIMAL:
            return Decimal(str(cell))
        case _:
            return cell


MORE: Mapping[str, Program] = {
    "clickhouse": Program(clickhouse),
    "r": Program(in_r),
    "node": Program(in_node),
    "libreoffice": Program(in_libreoffice),
    "dbt": Program(in_dbt),
}
