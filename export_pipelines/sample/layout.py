"""Where each cell of a CSV file goes: header, mapping and catalog come in, one step per column goes out."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from export_pipelines.catalog import Dataset, Field, Kind, PiiClass
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import ImportFileError, unknown
from export_pipelines.sample.mapping import Mapping, Target
from export_pipelines.sample.parse import Parse, Unfit, object_id, outcome, parser_of
from export_pipelines.sample.tables import (
    PARTIES,
    Day,
    Flag,
    JsonObject,
    Money,
    Timestamp,
    leads,
)

_TYPE_OF_COLUMN: dict[type, str] = {
    Timestamp: "timestamp",
    Money: "currency",
    Day: "date",
    Flag: "boolean",
    JsonObject: "object",
}
PARTY_COLUMNS = {f"{kind}_id": f"{kind}.id" for kind in PARTIES}
TYPES = {
    PARTY_COLUMNS.get(column.name, column.name): _TYPE_OF_COLUMN.get(type(column.type), "text")
    for column in leads.columns
} | {f"{kind}.name": "text" for kind in PARTIES}
ALIASES = {"revenue": "price", "cost": "purchase_price"}
_OWN_PARSERS: dict[str, Parse] = {
    "lead_id": object_id,
    "outcome": outcome,
    **dict.fromkeys(PARTY_COLUMNS.values(), object_id),
}
CUSTOM = "custom."


@dataclass(frozen=True)
class Step:
    """One column, or one constant: its header, the field it fills, how its text becomes a value."""

    header: str
    field: str  # an id of TYPES, or custom.KEY
    parse: Parse


@dataclass(frozen=True)
class Layout:
    """`cells` stand in the order of the file's columns. `constants` are parsed already. `declared` are the custom
    fields that the catalog does not know yet."""

    cells: tuple[Step, ...]
    constants: dict[str, Any]
    declared: tuple[Field, ...]


def lay_out(header: Sequence[str], mapping: Mapping, dataset: Dataset, where: str) -> Layout:
    """The layout of a file with this header. A column that nothing maps fills the field of its own name, or becomes
    a custom field. Raises ImportFileError with every fault."""
    targets, faults = _targets(header, mapping, dataset)
    declared: dict[str, Field] = {}
    steps = []
    for name, target in zip(header, targets, strict=True):
        try:
            steps.append(_step(name, target, dataset, declared))
        except Unfit as fault:
            faults.append(str(fault))
    constants: dict[str, Any] = {}
    for id, text in mapping.constants.items():
        try:
            constants[ALIASES.get(id, id)] = _step(id, Target(id), dataset, declared).parse(text)
        except Unfit as fault:
            faults.append(f'the constant "{id}": {fault}')
    filled = Counter([*(step.field for step in steps), *constants])
    faults += [
        f'"{id}" is filled {times} times; map one column to it' for id, times in filled.items() if times > 1
    ]
    if "submitted_at" not in filled:
        faults.append('nothing fills "submitted_at"; map the column with the date or time of the lead to it')
    if faults:
        raise ImportFileError("; ".join(faults), where=where)
    return Layout(tuple(steps), constants, tuple(declared.values()))


def _targets(header: Sequence[str], mapping: Mapping, dataset: Dataset) -> tuple[list[Target], list[str]]:
    faults = [
        unknown("column", name, header) + ", as the file's first line names them"
        for name in mapping.columns
        if name not in header
    ]
    repeated = Counter(header)
    faults += [
        f'the file has {repeated[name]} columns named "{name}"; one is needed to map it'
        for name in mapping.columns
        if repeated[name] > 1
    ]
    taken = {target.field for target in mapping.columns.values()} | set(mapping.constants)
    own_names = _own_names(dataset)
    targets: list[Target] = []
    for number, name in enumerate(header, 1):
        target = mapping.columns.get(name) or Target(own_names.get(name, ""))
        if not target.field or (name not in mapping.columns and target.field in taken):
            target = Target(CUSTOM + _free_key(name, number, taken))
        taken.add(target.field)
        targets.append(target)
    return targets, faults


def _own_names(dataset: Dataset) -> dict[str, str]:
    """Headers that name a field by themselves: its id, or the id as a CSV header spells it."""
    ids = [*TYPES, *(field.id for field in dataset.fields if field.id.startswith(CUSTOM))]
    return {spelled: id for id in ids for spelled in (id.replace(".", "_"), id)}


def _free_key(header: str, number: int, taken: set[str]) -> str:
    """The header in snake case, `Sub-product` -> `sub_product`; made unique by a number."""
    plain = unicodedata.normalize("NFKD", header).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") or f"column_{number}"
    key = f"c_{key}" if key[0].isdigit() else key
    found, again = key, 2
    while CUSTOM + found in taken:
        found, again = f"{key}_{again}", again + 1
    return found


def _step(header: str, target: Target, dataset: Dataset, declared: dict[str, Field]) -> Step:
    """Raises Unfit for a field that cannot be filled."""
    id = ALIASES.get(target.field, target.field)
    if not id.startswith(CUSTOM):
        if id not in TYPES:
            raise Unfit(f'"{header}": ' + unknown("field", id, [*TYPES, *ALIASES, "custom.NAME"]))
        return Step(header, id, _OWN_PARSERS.get(id) or parser_of(TYPES[id], target.format))
    field = _known(id, dataset) or declared.setdefault(id, _declare(id, header, target))
    if target.type and target.type != field.type:
        raise Unfit(f'"{header}": the catalog declares {id} as {field.type}, the mapping as {target.type}')
    return Step(header, id, parser_of(field.type, target.format))


def _known(id: str, dataset: Dataset) -> Field | None:
    return next((field for field in dataset.fields if field.id == id and field.column == "custom"), None)


def _declare(id: str, header: str, target: Target) -> Field:
    key = id.removeprefix(CUSTOM)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise Unfit(f'"{header}": a custom field is custom.NAME, of lower-case letters, digits and _')
    type_name = target.type or "text"
    if SEMANTIC_TYPES[type_name].kind is Kind.JSON:
        raise Unfit(f'"{header}": a custom field is a plain value, not an object')
    return Field(
        id=id,
        type=type_name,
        column="custom",
        path=key,
        label=target.label or header,
        group="Custom",
        pii=PiiClass(target.pii or PiiClass.DIRECT),  # nobody has looked at it yet: closed
    )
