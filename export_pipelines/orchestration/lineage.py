"""Lineage in Dagster: the tables of the source as assets that exports depend on, and which columns feed which."""

from collections.abc import Iterable, Sequence

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.catalog import Dataset
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import ExportError
from export_pipelines.lineage.source_columns import columns_of, dataset_of, feeds_of, tables_of
from export_pipelines.orchestration.code_location import CodeLocation

SOURCE = "source"


def table_key(location: CodeLocation, table: str) -> dg.AssetKey:
    """`[source, TABLE]`, after the prefix where there is one; a schema stands before its table."""
    return location.key(SOURCE, *table.split("."))


def table_keys(definition: ExportDefinition, location: CodeLocation) -> list[dg.AssetKey]:
    """The tables that an export depends on."""
    return [table_key(location, table) for table in tables_of(definition, location.project.catalog)]


def table_specs(definitions: Iterable[ExportDefinition], location: CodeLocation) -> list[dg.AssetSpec]:
    """An asset for each table that one of the exports reads; nobody here makes it."""
    catalog = location.project.catalog
    tables = dict.fromkeys(table for definition in definitions for table in tables_of(definition, catalog))
    return [_table_spec(table, location) for table in sorted(tables)]


def column_lineage(manifest: Manifest, location: CodeLocation) -> dg.TableColumnLineage | None:
    """By the catalog as it is now; None where the export is not there any more, or draws from what is not."""
    project = location.project
    try:
        definition = project.definition(manifest.export)
        dataset = dataset_of(definition, project.catalog)
    except ExportError:
        return None
    named = [(column.name, column.id) for column in manifest.columns]
    return lineage_of(named, dataset, definition.report.over if definition.report else None, location)


def lineage_of(
    named: Sequence[tuple[str, str]], dataset: Dataset, over: str | None, location: CodeLocation
) -> dg.TableColumnLineage:
    """Of columns given as name and id."""
    return dg.TableColumnLineage(
        {
            name: [
                dg.TableColumnDep(table_key(location, feed.table), feed.column)
                for feed in feeds_of(id, dataset, over)
            ]
            for name, id in named
        }
    )


def _table_spec(table: str, location: CodeLocation) -> dg.AssetSpec:
    dialect = location.project.settings.dialect
    columns = [
        dg.TableColumn(name, description=f"pii {field.pii}" if field.is_personal and not field.path else None)
        for name, field in columns_of(location.project.catalog, table).items()
    ]
    return dg.AssetSpec(
        table_key(location, table),
        description=f"The table {table} of the source, of which exports are made",
        group_name=location.named(SOURCE),
        metadata={"dagster/table_name": table, "dagster/column_schema": dg.TableSchema(columns=columns)},
        kinds={dialect, "table"},
    )
