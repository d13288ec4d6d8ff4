"""The table of readers: a new one is a file and a row here."""

from collections.abc import Mapping

from export_pipelines.definition.readers import FORMS
from export_pipelines.errors import RequestError, unknown
from export_pipelines.recipes import (
    clickhouse,
    dbt,
    duckdb,
    mariadb,
    node,
    pandas,
    polars,
    postgresql,
    pyarrow,
    r,
    spreadsheets,
    sqlite,
    warehouses,
)
from export_pipelines.recipes.losses import of_files
from export_pipelines.recipes.recipe import Reader, Recipe, recipe_text
from export_pipelines.recipes.table import Table

PARSED = "Not run by the tests, which have no such service: a parser of its dialect reads the statements."

READERS: Mapping[str, Reader] = {
    "postgresql": Reader(
        "PostgreSQL 15 or later",
        FORMS["postgresql"],
        "psql -d DATABASE -f {file}",
        postgresql.load,
        "sql",
        limit="a text with the character NUL is refused.",
    ),
    "mariadb": Reader(
        "MariaDB 10.11", FORMS["mariadb"], "mariadb --local-infile=1 DATABASE < {file}", mariadb.load, "sql"
    ),
    "sqlite": Reader(
        "SQLite 3.40 or later",
        FORMS["sqlite"],
        "sqlite3 FILE.db < {file}",
        sqlite.load,
        "sql",
        limit="a text ends at its first character NUL.",
    ),
    "duckdb": Reader("DuckDB 2", FORMS["duckdb"], "duckdb FILE.db < {file}", duckdb.load, "sql"),
    "clickhouse": Reader(
        "ClickHouse 26",
        FORMS["clickhouse"],
        "clickhouse local < {file}; on a server the files belong into user_files",
        clickhouse.load,
        "sql",
    ),
    "polars": Reader("Polars 2", FORMS["polars"], "python {file}", polars.load, "py", comment="#"),
    "pandas": Reader(
        "pandas 3",
        FORMS["pandas"],
        "python {file}",
        pandas.load,
        "py",
        comment="#",
    ),
    "pyarrow": Reader("pyarrow 26", FORMS["pyarrow"], "python {file}", pyarrow.load, "py", comment="#"),
    "r": Reader(
        "R 4 with readr and bit64",
        FORMS["r"],
        "Rscript {file}",
        r.load,
        "R",
        comment="#",
        limit="a text ends at its first character NUL, with a warning.",
    ),
    "node": Reader("Node 20 with csv-parse", FORMS["node"], "node {file}", node.load, "mjs", comment="//"),
    "excel": Reader(
        "Excel, Power Query",
        FORMS["excel"],
        "Data, Get Data, Blank Query, Advanced Editor; PATH is the folder of the files",
        spreadsheets.excel,
        "m",
        comment="//",
        folder="Excel",
        limit=spreadsheets.LIMIT,
        checked="Not run by the tests, which have no Excel.",
    ),
    "libreoffice": Reader(
        "LibreOffice Calc 7",
        FORMS["libreoffice"],
        "sh {file}; the workbooks are written into the folder workbooks",
        spreadsheets.libreoffice,
        "sh",
        comment="#",
        limit=f"the character NUL is left out of a text; {spreadsheets.LIMIT}",
    ),
    "bigquery": Reader(
        "BigQuery",
        FORMS["bigquery"],
        "bq query --use_legacy_sql=false < {file}; copy the files to BUCKET/PATH first",
        warehouses.bigquery,
        "sql",
        checked=PARSED,
    ),
    "snowflake": Reader(
        "Snowflake",
        FORMS["snowflake"],
        "snowsql -f {file}",
        warehouses.snowflake,
        "sql",
        checked=PARSED,
    ),
    "redshift": Reader(
        "Redshift",
        FORMS["redshift"],
        "psql -h CLUSTER -d DATABASE -f {file}; copy the files to BUCKET/PATH first",
        warehouses.redshift,
        "sql",
        checked=PARSED,
    ),
    "athena": Reader(
        "Athena or Hive",
        FORMS["athena"],
        "copy the files, and nothing else, to BUCKET/PATH first",
        warehouses.athena,
        "sql",
        folder="the query editor",
        checked=PARSED,
    ),
    "dbt": Reader(
        "dbt",
        FORMS["dbt"],
        "sh {file}",
        dbt.load,
        "sh",
        comment="#",
        folder="the dbt project, after another recipe has loaded the table",
        limit="types are those of PostgreSQL; what the other recipe loses, the test of this one may find.",
    ),
}


def recipe_for(table: Table, name: str, file: str | None = None) -> Recipe:
    """The recipe that loads a table into the reader of that name; `file` is that of the recipe, if not `recipe.sql` or the like.
    Raises RequestError for a reader that there is no recipe for, and for files that it does not read."""
    if name not in READERS:
        raise RequestError(
            unknown("reader", name, READERS), where="--for", remedy=f"one of {', '.join(READERS)}"
        )
    reader = READERS[name]
    if table.form not in reader.forms:
        raise RequestError(
            f"{reader.title} has no recipe for {table.form}",
            where=table.manifest.artifact,
            remedy=f"export the window as one of: {'; '.join(reader.forms)}",
        )
    if not table.files:
        raise RequestError(
            "the artifact has no file", where=table.manifest.artifact, remedy="it was written with skip_empty"
        )
    script = reader.load(table)
    losses = (*of_files(table), *script.losses)
    text = recipe_text(table, reader, script, losses, file or f"recipe.{reader.extension}")
    return Recipe(reader, text, losses, script.first)
