"""Which columns of the source feed each column of an export."""

from collections.abc import Mapping
from typing import NamedTuple

from export_pipelines.catalog import Catalog, Component, Dataset, Field
from export_pipelines.catalog.dimensions import dimensions_of
from export_pipelines.catalog.metrics import MEASURES, METRICS
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.report import drawn_from
from export_pipelines.definition.selection import DATASETS, resolve_fields

PARTIES = {"flows": "flow.name", "sources": "source.name", "recipients": "recipient.name"}  # keys of filter


class Feed(NamedTuple):
    """A column of a table of the source; of a value inside JSON, the column that holds the JSON."""

    table: str
    column: str


def dataset_of(definition: ExportDefinition, catalog: Catalog) -> Dataset:
    """What the export draws from. Raises CatalogError."""
    report = definition.report
    return drawn_from(report, catalog) if report else catalog.dataset(DATASETS[definition.type])


def feeds_of(id: str, dataset: Dataset, over: str | None = None) -> tuple[Feed, ...]:
    """Those that feed the output column `id`, of a metric also those that choose its rows; none of what the catalog does not
    know any more, or what is no value of the source. `over` is what a report counts."""
    fields = _fields_of_report(id, dataset, over) if over else _fields(id, dataset)
    return tuple(dict.fromkeys(source_column(field, dataset) for field in fields))


def tables_of(definition: ExportDefinition, catalog: Catalog) -> tuple[str, ...]:
    """The tables that an export reads for its columns and its filter, that of the dataset first. Raises CatalogError."""
    dataset, report = dataset_of(definition, catalog), definition.report
    ids = (
        [*report.metrics, *report.group_by]
        if report
        else [field.id for field in resolve_fields(definition, dataset)]
    )
    columns = [column for id in ids for column in feeds_of(id, dataset, report.over if report else None)]
    filter = definition.filter
    asked = [*(id for key, id in PARTIES.items() if getattr(filter, key)), *filter.asked]
    columns += [source_column(field, dataset) for id in asked for field in _fields(id, dataset)]
    return tuple(dict.fromkeys([dataset.table, *(column.table for column in columns)]))


def columns_of(catalog: Catalog, table: str) -> Mapping[str, Field]:
    """The columns of a table that the catalog declares, each with its first field."""
    columns: dict[str, Field] = {}
    for dataset in catalog.datasets:
        for field in dataset.fields:
            source = source_column(field, dataset)
            if source.table == table:
                columns.setdefault(source.column, field)
    return columns


def source_column(field: Field, dataset: Dataset) -> Feed:
    """Where the field is stored."""
    alias, dot, column = field.column.rpartition(".")
    joined = {join.alias: join.table for join in dataset.joins}
    return Feed(joined.get(alias, dataset.table) if dot else dataset.table, column)


def _fields(id: str, dataset: Dataset) -> list[Field]:
    choice = dataset.get(id)
    if choice is None:
        return []
    return [choice.field if isinstance(choice, Component) else choice]


def _fields_of_report(id: str, dataset: Dataset, over: str) -> list[Field]:
    name = id.rpartition("/")[2]  # of a pivot: after the value
    dimension = dimensions_of(dataset).get(name)
    if dimension is not None:
        return _fields(dimension.of.id if dimension.of else dataset.window, dataset)
    metric, measures = METRICS.get(name), MEASURES[over]
    used = [measures[each] for each in (metric.measures if metric else ()) if each in measures]
    names = [each for measure in used for each in (measure.field, *(key for key, _ in measure.where)) if each]
    return [field for name in dict.fromkeys(names) for field in _fields(name, dataset)]
