"""From the YAML of a catalog to its frozen model: laid over the shipped datasets, checked, with a line for each fault."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from export_pipelines.catalog.closed_columns import closed_faults
from export_pipelines.catalog.dataset import Catalog, Dataset, Join, NewRowColumns
from export_pipelines.catalog.field import Component, Field, PiiClass, StoredAs
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES, Kind
from export_pipelines.catalog.snapshot import snapshot_fields
from export_pipelines.catalog.written import WrittenCatalog, WrittenDataset, WrittenField
from export_pipelines.errors import CatalogError, unknown
from export_pipelines.yaml.lines import Document, Key
from export_pipelines.yaml.schema_faults import plain_faults

OBJECTS = ("custom", "appended")  # JSON columns whose declared values have a short form
KEPT_OF_QUERY = ("utm_*",)  # parameters that say where a visitor came from
ID_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"

Fault = Callable[[Key, str], None]


def assemble(file: str, document: Document, shipped: Mapping[str, Any] | None) -> Catalog:
    """The catalog of one YAML document, over `shipped` where it says so. Raises CatalogError with every fault."""
    faults: list[tuple[int, str]] = []

    def fault(key: Key, text: str) -> None:
        faults.append((document.line(key), text))

    def stop_at_faults() -> None:
        if faults:
            lines = (f"{file}:{line}: {text}" for line, text in sorted(set(faults)))
            raise CatalogError("\n".join(lines))

    try:
        written = WrittenCatalog.model_validate(document.data)
    except ValidationError as error:
        for key, text in plain_faults(error, WrittenCatalog):
            fault(key, text)
        stop_at_faults()
        raise
    base = (shipped or {}).get("datasets", {}) if written.extends else {}
    merged = {
        name: _over(base.get(name), document.data["datasets"].get(name))
        for name in {**base, **written.datasets}
    }
    drafts = (_dataset(name, merged, fault) for name in merged)
    datasets = tuple(dataset for dataset in drafts if dataset)
    for dataset, field, text in closed_faults(datasets):
        if field.id in _written_ids(
            merged[dataset.name]
        ):  # else a snapshot brings it, and its own dataset says so
            fault(_place(("datasets", dataset.name), field.id), text)
    stop_at_faults()
    return Catalog(datasets=datasets)


def _written_ids(written: WrittenDataset) -> set[str]:
    inside = (f"{name}.{path}" for name in OBJECTS for path in getattr(written, name))
    return {*written.fields, *inside}


def _over(base: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> WrittenDataset:
    """`own` laid over `base`, key by key; a null takes away what the base has."""
    merged: dict[str, Any] = dict(base or {})
    for key, value in (own or {}).items():
        merged[key] = _merge(merged.get(key), value) if isinstance(value, Mapping) else value
    return WrittenDataset.model_validate(merged)


def _merge(base: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base or {})
    for name, value in own.items():
        inner = merged.get(name)
        merged[name] = (
            {**inner, **value} if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
        )
    return merged


def _dataset(name: str, all: Mapping[str, WrittenDataset], fault: Fault) -> Dataset | None:
    root: Key = ("datasets", name)
    written = all[name]
    for need in ("table", "window", "order"):
        if not getattr(written, need):
            fault(root, f'the dataset "{name}" needs "{need}"')
    joins = tuple(Join(alias=alias, **join.model_dump()) for alias, join in written.joins.items() if join)
    fields = tuple(_fields(root, written, fault))
    fields = (*fields, *_in_snapshot(root, written, fields, all, fault))
    _check_ids(root, fields, fault)
    _check_columns(root, written, fields, {join.alias for join in joins}, fault)
    if not (written.table and written.window and written.order):
        return None
    dataset = Dataset(
        name=name,
        table=written.table,
        window=written.window,
        order=tuple(written.order),
        joins=joins,
        fields=fields,
        snapshot=written.snapshot.field if written.snapshot else None,
        stream=_stream(written),
    )
    _check_order(root, dataset, fault)
    return dataset


def _stream(written: WrittenDataset) -> NewRowColumns:
    return (
        NewRowColumns(**written.stream.model_dump(exclude_none=True)) if written.stream else NewRowColumns()
    )


def _fields(root: Key, written: WrittenDataset, fault: Fault) -> Iterator[Field]:
    for id, field in written.fields.items():
        if field:
            yield from _field((*root, "fields", id), id, field, fault)
    for name in OBJECTS:
        declared: dict[str, WrittenField | None] = getattr(written, name)
        holder = written.fields.get(name)
        if declared and not holder:
            fault((*root, name), f'values under "{name}" need the field "{name}", an object in a JSON column')
        for path, field in declared.items():
            if field and holder:
                inside = {
                    "column": holder.column or name,
                    "path": f"{holder.path}.{path}" if holder.path else path,
                    "group": holder.group or name.capitalize(),
                }
                filled = field.model_copy(
                    update={k: v for k, v in inside.items() if getattr(field, k) is None}
                )
                yield from _field((*root, name, path), f"{name}.{path}", filled, fault)


def _in_snapshot(
    root: Key,
    written: WrittenDataset,
    own: tuple[Field, ...],
    all: Mapping[str, WrittenDataset],
    fault: Fault,
) -> Iterator[Field]:
    """Fields that the snapshot brings; one that the dataset declares itself goes before."""
    if written.snapshot is None:
        return
    by_id = {field.id: field for field in own}
    holder = by_id.get(written.snapshot.field)
    if holder is None or holder.kind is not Kind.JSON:
        fault((*root, "snapshot", "field"), unknown("object", written.snapshot.field, by_id))
    elif written.snapshot.of not in all:
        fault((*root, "snapshot", "of"), unknown("dataset", written.snapshot.of, all))
    else:
        # the other dataset tells its own faults
        theirs = tuple(_fields(root, all[written.snapshot.of], lambda key, text: None))
        fields = snapshot_fields(written.snapshot, holder, theirs)
        yield from (field for field in fields if field.id not in by_id)


def _field(key: Key, id: str, written: WrittenField, fault: Fault) -> Iterator[Field]:
    """The field, or nothing and its faults."""
    good = True

    def wrong(part: str, text: str) -> None:
        nonlocal good
        good = False
        fault((*key, part), f"{id}: {text}")

    if written.type is None:
        wrong("type", f'a field needs "type"; allowed: {", ".join(sorted(SEMANTIC_TYPES))}')
    elif written.type not in SEMANTIC_TYPES:
        wrong("type", unknown("type", written.type, SEMANTIC_TYPES))
    if written.pii is not None and written.pii not in tuple(PiiClass):
        wrong("pii", unknown("PII class", written.pii, tuple(PiiClass)))
    if written.stored_as is not None and written.stored_as not in tuple(StoredAs):
        wrong("stored_as", unknown("way to store a timestamp", written.stored_as, tuple(StoredAs)))
    if written.scale is not None and (written.type != "number" or not 0 <= written.scale <= 18):
        wrong("scale", 'only a "number" has a scale, of 0 to 18 digits')
    if written.query is not None and written.type != "url":
        wrong("query", 'only a "url" has a query')
    if good:
        yield Field(
            id=id,
            type=written.type or "",
            column=written.column or id,
            path=written.path,
            label=written.label or id.replace(".", " ").replace("_", " ").capitalize(),
            group=written.group or "Other",
            pii=PiiClass(written.pii or PiiClass.DIRECT),  # unclassified is closed
            required=bool(written.required),
            scale=written.scale,
            stored_as=StoredAs(written.stored_as or StoredAs.ISO),
            query=_kept_of_query(written),
            description=written.description or "",
        )


def _kept_of_query(written: WrittenField) -> tuple[str, ...]:
    if written.type != "url":
        return ()
    return KEPT_OF_QUERY if written.query is None else tuple(written.query)


def _place(root: Key, id: str) -> Key:
    name, _, member = id.partition(".")
    return (*root, name, member) if name in OBJECTS and member else (*root, "fields", id)


def _check_ids(root: Key, fields: tuple[Field, ...], fault: Fault) -> None:
    """No two fields or components under one id or, dots made underscores, under one header."""
    headers: dict[str, str] = {}
    for field in fields:
        if not re.fullmatch(ID_PATTERN, field.id):
            fault(
                _place(root, field.id),
                f'"{field.id}": an id is lower-case letters, digits and _, parts joined by dots',
            )
        if field.components:  # the name of its components in JSON
            _claim(f"{field.id}_components", field.id, headers, _place(root, field.id), fault)
        parts: tuple[Field | Component, ...] = (field, *field.components)
        for part in parts:
            _claim(part.id, part.id, headers, _place(root, field.id), fault)


def _claim(name: str, id: str, headers: dict[str, str], place: Key, fault: Fault) -> None:
    header = name.replace(".", "_")
    if header not in headers:
        headers[header] = id
    elif headers[header] == id:
        fault(place, f'two fields have the id "{id}"')
    else:
        fault(place, f'"{id}" and "{headers[header]}" would both have the header "{header}"; rename one')


def _check_columns(
    root: Key, written: WrittenDataset, fields: tuple[Field, ...], aliases: set[str], fault: Fault
) -> None:
    table = (written.table or "").rpartition(".")[2]
    for field in fields:
        alias, dot, _ = field.column.rpartition(".")
        if dot and alias not in aliases | {table}:
            allowed = ", ".join(sorted(aliases | {table}))
            fault(
                (*_place(root, field.id), "column"),
                f'{field.id}: the column "{field.column}" is of no table joined here; before the dot stands one of: {allowed}',
            )


def _check_order(root: Key, dataset: Dataset, fault: Fault) -> None:
    known = {field.id: field for field in dataset.fields}
    for key, id in [
        (("window",), dataset.window),
        *((("order", n), id) for n, id in enumerate(dataset.order)),
    ]:
        if id not in known:
            fault((*root, *key), unknown("field", id, known))
    _check_stream(root, dataset, known, fault)
    if dataset.window in known and known[dataset.window].kind is not Kind.TIMESTAMP:
        fault(
            (*root, "window"),
            f'the window "{dataset.window}" must be a timestamp, not {known[dataset.window].type}',
        )


def _check_stream(root: Key, dataset: Dataset, known: Mapping[str, Field], fault: Fault) -> None:
    stream = dataset.stream
    for key in ("transaction", "key"):
        name = getattr(stream, key)
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            fault((*root, "stream", key), f'"{name}" is no name of a column of {dataset.table}')
    publication = stream.publication
    if publication is not None and not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", publication):
        fault(
            (*root, "stream", "publication"),
            f'"{publication}" is no name of a publication: lower-case letters, digits and underscores',
        )
    if stream.change is None:
        return
    if stream.change not in known:
        fault((*root, "stream", "change"), unknown("field", stream.change, known))
    elif known[stream.change].kind is not Kind.TIMESTAMP or known[stream.change].path is not None:
        fault((*root, "stream", "change"), f'"{stream.change}" must be a timestamp with a column of its own')
