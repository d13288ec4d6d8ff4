"""dbt: a source over a table that another recipe has loaded, with its types and tests, and a model that names its columns."""

from typing import Any

import yaml

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.sql import quoted
from export_pipelines.recipes.table import Table


def load(table: Table) -> Script:
    """YAML for `models/`, with the model's SQL as its comment at the end."""
    *schema, name = table.name.split(".")
    source: dict[str, Any] = {"name": "exports", "tables": [_table(table, name)]}
    if schema:
        source["schema"] = schema[-1]
    text = yaml.safe_dump({"version": 2, "sources": [source]}, sort_keys=False, allow_unicode=True, width=120)
    columns = ",\n".join(f"    {quoted(column.name)}" for column in table.columns)
    model = f"SELECT\n{columns}\nFROM {{{{ source('exports', '{name}') }}}}"
    lines = "\n".join(f"# {line}" for line in model.split("\n"))
    return Script(f"{text}\n# models/stg_{name}.sql\n{lines}")


def _table(table: Table, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"{table.manifest.rows} rows of {table.manifest.artifact}",
        "quoting": {"identifier": True},
        "columns": [_column(column) for column in table.columns],
    }


def _column(column: ManifestColumn) -> dict[str, Any]:
    described: dict[str, Any] = {"name": column.name, "quote": True, "data_type": _type(column)}
    if column.statistics and not column.statistics.nulls:
        described["data_tests"] = ["not_null"]
    return described


def _type(column: ManifestColumn) -> str:
    from export_pipelines.recipes.postgresql import TYPES

    return TYPES[column.kind].format(scale=column.scale or 0)
