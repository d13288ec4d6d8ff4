"""Where each cell of a CSV file goes: header, mapping and catalog come in, one step per column goes out."""

import re
from collections.abc import Mapping as Mapping_
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any

from export_pipelines.catalog import Dataset, Field, Kind, PiiClass
from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import ImportFileError, unknown
from export_pipelines.importer.dates import DateOrder
from export_pipelines.importer.headers import CUSTOM, targets_of
from export_pipelines.importer.lead_ads import without_prefix
from export_pipelines.importer.mapping import Mapping, Match, Target
from export_pipelines.importer.parse import Parse, Unfit, object_id, outcome, parser_of
from export_pipelines.lead_store.tables import (
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
MOST_SHOWN = 20  # columns in an error
NEVER_EXPORTED = {"ssn": "ssn"}  # field: its type


@dataclass(frozen=True)
class Step:
    """One column, or one constant: its header, the field it fills, how its text becomes a value."""

    header: str
    field: str  # an id of TYPES, or custom.KEY; none of a column with the time of day of another
    parse: Parse
    never_exported: str | None = None  # the type, where the field has one that is never exported
    type: str = "text"
    format: str | None = None
    time_at: int | None = None  # the place of the column with the time of day
    match: Match = Match.MAPPING

    @property
    def may_hold_slashed_dates(self) -> bool:
        return self.format is None and SEMANTIC_TYPES[self.type].kind in (Kind.DATE, Kind.TIMESTAMP)

    def value(self, cells: Sequence[str], at: int) -> Any:
        """The value of the cell at this place of a row, None for an empty one. Raises Unfit."""
        cell = cells[at]
        if self.time_at is not None:
            time = cells[self.time_at]
            if bool(cell) != bool(time):
                raise Unfit("only one of date and time of day is given")
            cell = f"{cell.strip()} {time.strip()}" if cell else ""
        return self.parse(cell) if cell else None


@dataclass(frozen=True)
class Layout:
    """`cells` stand in the order of the file's columns. `constants` are parsed already. `declared` are the custom
    fields that the catalog does not know yet."""

    cells: tuple[Step, ...]
    constants: dict[str, Any]
    declared: tuple[Field, ...]
    zone: tzinfo = UTC

    def with_orders(self, orders: Mapping_[int, DateOrder]) -> "Layout":
        """Dates as `1/2/2024` in these columns, by their place, are read in these orders."""
        cells = (
            replace(step, parse=parser_of(step.type, None, self.zone, orders[at])) if at in orders else step
            for at, step in enumerate(self.cells)
        )
        return replace(self, cells=tuple(cells))


def lay_out(header: Sequence[str], mapping: Mapping, dataset: Dataset, where: str) -> Layout:
    """The layout of a file with this header. A column that nothing maps fills the field of its own name, or becomes
    a custom field. Raises ImportFileError with every fault."""
    targets, faults = targets_of(header, mapping, dataset, TYPES)
    declared: dict[str, Field] = {}
    steps = []
    for name, target in zip(header, targets, strict=True):
        try:
            step = _step(name, target, dataset, declared, mapping.zone)
            steps.append(replace(step, match=target.match))
        except Unfit as fault:
            faults.append(str(fault))
    constants: dict[str, Any] = {}
    for id, text in mapping.constants.items():
        try:
            constants[ALIASES.get(id, id)] = _step(id, Target(id), dataset, declared, mapping.zone).parse(
                text
            )
        except Unfit as fault:
            faults.append(f'the constant "{id}": {fault}')
    filled: dict[str, list[str]] = {}
    for step in steps:
        if step.field:
            filled.setdefault(step.field, []).append(f'the column "{step.header}"')
    for id in constants:
        filled.setdefault(id, []).append("a constant")
    faults += [_filled_again(id, by) for id, by in filled.items() if len(by) > 1]
    if "submitted_at" not in filled:
        faults.append(
            'nothing fills "submitted_at"; name the column with the date or time of the lead by '
            f"--map 'COLUMN=submitted_at'; the file has {', '.join(header[:MOST_SHOWN])}"
            + (", ..." if len(header) > MOST_SHOWN else "")
        )
    if faults:
        raise ImportFileError("; ".join(faults), where=where)
    return Layout(tuple(steps), constants, tuple(declared.values()), mapping.zone)


def _filled_again(id: str, by: Sequence[str]) -> str:
    what = f'"{id}" is filled {len(by)} times, by {" and ".join(by)}'
    return f"{what}; map one column to it, and the others to fields such as {CUSTOM}NAME"


def _step(header: str, target: Target, dataset: Dataset, declared: dict[str, Field], zone: tzinfo) -> Step:
    """Raises Unfit for a field that cannot be filled."""
    id = ALIASES.get(target.field, target.field)
    if not id:  # the time of day of another column
        return Step(header, "", str)
    closed = never_exported_type(header) or never_exported_type(id)
    if target.time_in and SEMANTIC_TYPES[target.type or TYPES.get(id, "text")].kind not in (
        Kind.DATE,
        Kind.TIMESTAMP,
    ):
        raise Unfit(f'"{header}": `with` joins a time of day to a date, and {id} is none')
    if not id.startswith(CUSTOM):
        if id not in TYPES:
            raise Unfit(f'"{header}": ' + unknown("field", id, [*TYPES, *ALIASES, "custom.NAME"]))
        if closed and id not in NEVER_EXPORTED:
            raise Unfit(_would_be_exported(header, closed, f"{id} is exported"))
        parse = _OWN_PARSERS.get(id) or parser_of(TYPES[id], target.format, zone)
        known = dataset.get(id)
        parse = without_prefix(known.type if isinstance(known, Field) else TYPES[id], header, parse)
        return Step(header, id, parse, NEVER_EXPORTED.get(id), TYPES[id], target.format, target.time_at)
    field = _known(id, dataset) or declared.setdefault(id, _declare(id, header, target, closed))
    if target.type and target.type != field.type:
        raise Unfit(f'"{header}": the catalog declares {id} as {field.type}, the mapping as {target.type}')
    if closed and field.semantic_type.exportable:
        raise Unfit(_would_be_exported(header, closed, f"{id} is declared as {field.type}"))
    return Step(
        header,
        id,
        without_prefix(field.type, header, parser_of(field.type, target.format, zone)),
        None if field.semantic_type.exportable else field.type,
        field.type,
        target.format,
        target.time_at,
    )


def _would_be_exported(header: str, closed: str, why: str) -> str:
    return (
        f'"{header}" names a value of type {closed}, which is never exported, but {why}; give {CUSTOM}NAME the type '
        f"{closed}, or rename the column in the file if it holds something else"
    )


def _known(id: str, dataset: Dataset) -> Field | None:
    return next((field for field in dataset.fields if field.id == id and field.column == "custom"), None)


def _declare(id: str, header: str, target: Target, closed: str | None) -> Field:
    key = id.removeprefix(CUSTOM)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise Unfit(f'"{header}": a custom field is custom.NAME, of lower-case letters, digits and _')
    type_name = target.type or closed or "text"
    if SEMANTIC_TYPES[type_name].kind is Kind.JSON:
        raise Unfit(f'"{header}": a custom field is a plain value, not an object')
    return Field(
        id=id,
        type=type_name,
        column="custom",
        path=key,
        label=target.label or header,
        group="Custom",
        # what nobody has looked at yet is closed
        pii=PiiClass(target.pii or (PiiClass.SENSITIVE if closed else PiiClass.DIRECT)),
    )
