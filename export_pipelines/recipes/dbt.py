"""dbt: a source over a table that another recipe has loaded, with its types and tests, a model that names its columns, and a test
that compares the model with the manifest. It is no seed: agate, by which dbt reads seeds, takes empty texts and `null` for null."""

from collections.abc import Sequence
from typing import Any

import yaml

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.postgresql import LONGEST_NAME, TYPES
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.sql import check, quoted, table_name, types_by
from export_pipelines.recipes.table import Table, distinct_names

SOURCE = "exports"
END = "END"


def load(table: Table) -> Script:
    """Commands that write three files of a project, and that have dbt build and test what they define."""
    name = table.name.rpartition(".")[2]
    names, model = distinct_names(table, LONGEST_NAME, folded=False), f"stg_{name}"
    columns = _literal(",\n".join(f"    {quoted(column)}" for column in names))
    losses = lost.quoted_nulls(table)  # of the files, whichever recipe loads them
    compared = _literal(check(table, names, losses).removesuffix(";"))
    files = {
        f"models/{SOURCE}_{name}.yml": _source(table, name, names),
        f"models/{model}.sql": f"SELECT\n{columns}\nFROM {{{{ source('{SOURCE}', '{name}') }}}}\n",
        f"tests/check_{name}.sql": compared.replace(
            f"FROM {table_name(table)})", f"FROM {{{{ ref('{model}') }}}})", 1
        ),
    }
    lines = ["set -e", "mkdir -p models tests"]
    lines += [_written(file, text.rstrip("\n")) for file, text in files.items()]
    lines.append(f"dbt build --select source:{SOURCE}.{name}+")
    return Script("\n".join(lines), losses)


def _source(table: Table, name: str, names: Sequence[str]) -> str:
    schema = table.name.split(".")[-2] if "." in table.name else "{{ target.schema }}"
    listed = {
        "name": name,
        "description": f"{table.manifest.rows} rows of {table.manifest.artifact}",
        "quoting": {"identifier": True},
        "columns": [_column(*column) for column in zip(names, table.columns, strict=True)],
    }
    source = {"name": SOURCE, "schema": schema, "tables": [listed]}
    return yaml.safe_dump({"version": 2, "sources": [source]}, sort_keys=False, allow_unicode=True, width=120)


def _column(name: str, column: ManifestColumn) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, "quote": True, "data_type": types_by(TYPES)(column)}
    # dbt doubles no quotes in a name; the nulls of every column are compared with the manifest besides
    if column.statistics and not column.statistics.nulls and '"' not in name:
        described["data_tests"] = ["not_null"]
    return described


def _literal(sql: str) -> str:
    """SQL in which no name is taken for an expression of Jinja."""
    return sql.replace("{", "{{ '{' }}")


def _written(file: str, text: str) -> str:
    end = END
    while end in text:
        end += "_"
    return f"cat > {file} <<'{end}'\n{text}\n{end}"
