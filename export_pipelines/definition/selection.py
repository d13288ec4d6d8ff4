"""Which fields an export takes: all, a list with globs, or by rule, resolved against the catalog in output order."""

from collections.abc import Iterable, Iterator

from export_pipelines.catalog import Component, Dataset, Field, PiiClass
from export_pipelines.definition.export import ExportDefinition, Smart
from export_pipelines.definition.output import FORMATS
from export_pipelines.errors import CatalogError

FieldOrComponent = Field | Component
Selection = str | tuple[str, ...] | Smart
DATASETS = {"lead": "leads", "event": "events"}  # export type -> dataset


def resolve_fields(definition: ExportDefinition, dataset: Dataset) -> tuple[FieldOrComponent, ...]:
    """The chosen fields and components in the order of the file; `all` and rules in that of the catalog.

    Types that are never exported are absent from `all`, rules and globs. Raises CatalogError, with the place in the
    file, for the first fault of `selection_faults`.
    """
    for key, text in selection_faults(definition.fields, dataset):
        raise CatalogError(text, where=definition.at("fields", *key))
    return _resolve(definition.fields, dataset, nested=FORMATS[definition.format.name].nested)


def selection_faults(chosen: Selection, dataset: Dataset) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every fault of a selection, with its key below `fields`."""
    faults: list[tuple[tuple[str | int, ...], str]] = []
    if isinstance(chosen, Smart):
        faults += [
            (("exclude", n), text) for n, id in enumerate(chosen.exclude) for text in _unmatched(id, dataset)
        ]
    elif isinstance(chosen, tuple):
        faults += [
            ((n,), text) for n, id in enumerate(chosen) for text in _named_faults(n, id, chosen, dataset)
        ]
    yield from faults
    if not faults:
        resolved = _resolve(chosen, dataset)
        if not resolved:
            yield (), "no field is left to export"
        yield from (((), text) for text in _clashes(resolved))


def _resolve(chosen: Selection, dataset: Dataset, nested: bool = True) -> tuple[FieldOrComponent, ...]:
    if isinstance(chosen, Smart):
        selected: Iterable[FieldOrComponent] = _by_rule(chosen, dataset)
    elif isinstance(chosen, tuple):
        selected = (field for pattern in chosen for field in dataset.match(pattern))
    else:
        selected = dataset.fields
    if not nested:
        selected = (column for field in selected for column in _spread(field, dataset))
    return tuple({field.id: field for field in selected if exportable(field)}.values())


def _spread(choice: FieldOrComponent, dataset: Dataset) -> Iterable[FieldOrComponent]:
    """In a file of columns, the snapshot of a lead is a column for each of its fields."""
    if choice.id != dataset.snapshot:
        return (choice,)
    return (field for field in dataset.fields if field.id.startswith(f"{choice.id}."))


def exportable(field: FieldOrComponent) -> bool:
    return field_of(field).semantic_type.exportable


def field_of(field: FieldOrComponent) -> Field:
    """The field itself, or the one that a component is a part of."""
    return field if isinstance(field, Field) else field.field


def _by_rule(rule: Smart, dataset: Dataset) -> Iterator[FieldOrComponent]:
    """PII of every class is left out by `exclude_pii`, indirect PII too; the components that may remain stand in its place."""
    excluded = {field.id for pattern in rule.exclude for field in dataset.match(pattern)}
    wide = {field.id for field in dataset.wide} if rule.light else set()
    for field in dataset.fields:
        if field.id in excluded | wide or (rule.required and not field.required):
            continue
        if rule.exclude_pii and field.pii is not PiiClass.NONE:
            yield from (part for part in field.components if part.remains and part.id not in excluded)
        else:
            yield field


def _unmatched(pattern: str, dataset: Dataset) -> Iterator[str]:
    try:
        dataset.match(pattern)
    except CatalogError as error:
        yield error.what


def _named_faults(place: int, id: str, chosen: tuple[str, ...], dataset: Dataset) -> Iterator[str]:
    if id in chosen[:place]:
        yield f'"{id}" is chosen twice'
        return
    unmatched = list(_unmatched(id, dataset))
    if unmatched:
        yield from unmatched
    elif (choice := dataset.get(id)) and not exportable(choice):
        field = field_of(choice)
        yield f'"{id}" is of type {field.type}, which is never exported; take it out of the list'


def _clashes(chosen: Iterable[FieldOrComponent]) -> Iterator[str]:
    headers: dict[str, str] = {}
    for field in chosen:
        header = field.id.replace(".", "_")
        if header in headers:
            yield f'"{headers[header]}" and "{field.id}" would both have the header "{header}"; choose one of them'
        headers[header] = field.id
