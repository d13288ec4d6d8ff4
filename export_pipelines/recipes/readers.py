"""The table of readers: a new one is a file and a row here."""

from collections.abc import Mapping

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

DELIMITED = ("csv", "tsv", "tsv, escaped")
OBJECTS = ("json", "ndjson")
PARSED = "Not run by the tests, which have no such service: a parser of its dialect reads the statements."

READERS: Mapping[str, Reader] = {
    "postgresql": Reader(
        "PostgreSQL 15 or later",
        (*DELIMITED, *OBJECTS),
        "psql -d DATABASE -f recipe.sql",
        postgresql.load,
        "sql",
        limit="a text with the character NUL is refused.",
    ),
    "mariadb": Reader(
        "MariaDB 10.11", DELIMITED, "mariadb --local-infile=1 DATABASE < recipe.sql", mariadb.load, "sql"
    ),
    "sqlite": Reader(
        "SQLite 3.40 or later",
        ("csv", "tsv", *OBJECTS),
        "sqlite3 FILE.db < recipe.sql",
        sqlite.load,
        "sql",
        limit="a text ends at its first character NUL.",
    ),
    "duckdb": Reader(
        "DuckDB 2", ("csv", "tsv", *OBJECTS, "parquet"), "duckdb FILE.db < recipe.sql", duckdb.load, "sql"
    ),
    "clickhouse": Reader(
        "ClickHouse 26",
        ("csv", "tsv, escaped", *OBJECTS, "parquet"),
        "clickhouse local < recipe.sql; on a server the files belong into user_files",
        clickhouse.load,
        "sql",
    ),
    "polars": Reader(
        "Polars 2", (*DELIMITED, *OBJECTS, "parquet"), "python recipe.py", polars.load, "py", comment="#"
    ),
    "pandas": Reader(
        "pandas 3",
        (*DELIMITED, *OBJECTS, "parquet", "xlsx"),
        "python recipe.py",
        pandas.load,
        "py",
        comment="#",
    ),
    "pyarrow": Reader(
        "pyarrow 26", (*DELIMITED, *OBJECTS, "parquet"), "python recipe.py", pyarrow.load, "py", comment="#"
    ),
    "r": Reader(
        "R 4 with readr and bit64",
        ("csv", "tsv"),
        "Rscript recipe.R",
        r.load,
        "R",
        comment="#",
        limit="a text ends at its first character NUL, with a warning.",
    ),
    "node": Reader(
        "Node 20 with csv-parse", ("csv", "tsv"), "node recipe.mjs", node.load, "mjs", comment="//"
    ),
    "excel": Reader(
        "Excel, Power Query",
        ("csv", "tsv", "xlsx"),
        "Data, Get Data, Blank Query, Advanced Editor; PATH is that of the folder",
        spreadsheets.excel,
        "m",
        comment="//",
        checked="Not run by the tests, which have no Excel.",
    ),
    "libreoffice": Reader(
        "LibreOffice Calc 7",
        ("csv", "tsv", "xlsx"),
        "sh recipe.sh; the workbooks are written into the folder workbooks",
        spreadsheets.libreoffice,
        "sh",
        comment="#",
        limit="the character NUL is left out of a text.",
    ),
    "bigquery": Reader(
        "BigQuery",
        ("csv", "tsv", "parquet"),
        "bq query --use_legacy_sql=false < recipe.sql; copy the files to BUCKET/PATH first",
        warehouses.bigquery,
        "sql",
        checked=PARSED,
    ),
    "snowflake": Reader(
        "Snowflake",
        ("csv", "tsv", "parquet"),
        "snowsql -f recipe.sql",
        warehouses.snowflake,
        "sql",
        checked=PARSED,
    ),
    "redshift": Reader(
        "Redshift",
        ("csv", "tsv", "parquet"),
        "psql -h CLUSTER -d DATABASE -f recipe.sql; copy the files to BUCKET/PATH first",
        warehouses.redshift,
        "sql",
        checked=PARSED,
    ),
    "athena": Reader(
        "Athena or Hive",
        ("parquet",),
        "in the query editor; copy the files, and nothing else, to BUCKET/PATH first",
        warehouses.athena,
        "sql",
        checked=PARSED,
    ),
    "dbt": Reader(
        "dbt",
        (*DELIMITED, *OBJECTS, "parquet", "xlsx"),
        "save it as models/exports.yml; another recipe loads the table, since seeds change texts",
        dbt.load,
        "yml",
        comment="#",
        checked="Not run by the tests: its YAML and its SQL are parsed. Types are those of PostgreSQL.",
    ),
}


def recipe_for(table: Table, name: str) -> Recipe:
    """The recipe that loads a table into the reader of that name. Raises RequestError for a reader that there is no recipe for,
    and for files that it does not read."""
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
    return Recipe(reader, recipe_text(table, reader, script, losses), losses, script.first)
