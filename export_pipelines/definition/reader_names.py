"""The programs that `for:` may name; each has a recipe (`recipes/readers.py`)."""

from typing import Literal

ReaderName = Literal[
    "postgresql", "mariadb", "sqlite", "duckdb", "clickhouse", "polars", "pandas", "pyarrow", "r", "node", "excel",
    "libreoffice", "bigquery", "snowflake", "redshift", "athena", "dbt",
]  # fmt: skip
