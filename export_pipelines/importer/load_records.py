"""Records become rows of the leads table: each is loaded, already there, or rejected with its line and the reason."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from export_pipelines.importer.headers import CUSTOM
from export_pipelines.importer.ids import hashed_id, unix_seconds
from export_pipelines.importer.layout import Layout
from export_pipelines.importer.parse import Unfit, as_json
from export_pipelines.importer.parties import Parties
from export_pipelines.importer.records import Record
from export_pipelines.importer.refused_values import refusable
from export_pipelines.importer.reject_file import Rejects
from export_pipelines.lead_store.tables import PARTIES, leads

COLUMNS = tuple(column.name for column in leads.columns)


@dataclass(frozen=True)
class Row:
    """A record as `values` of the columns of the leads table; `named_by` says what its id follows from."""

    record: Record
    values: dict[str, Any]
    named_by: str

    @property
    def id(self) -> str:
        return str(self.values["lead_id"])


class Load:
    """The rows of one import on their way into the store, inside its transaction; without one they are only looked at."""

    def __init__(self, connection: Connection | None, layout: Layout, rejects: Rejects) -> None:
        self._connection, self._layout, self._rejects = connection, layout, rejects
        self._parties = Parties(connection)
        # equal rows of two partners' files are two leads, which their constants tell apart
        self._constants = [f"{name}={value}" for name, value in sorted(layout.constants.items())]
        self._lines: dict[str, int] = {}  # lead id -> the line of this file it stands on
        self._refused: list[tuple[int, str, str]] = []  # of the records that are being taken
        self._repeats: Counter[str] = Counter()
        self.records = self.loaded = self.already_there = 0

    @property
    def rejected(self) -> int:
        return self._rejects.count

    def take(self, records: list[Record]) -> None:
        """Loads what can be loaded of these records, and rejects the rest."""
        good: list[Row] = []
        for record in records:
            self.records += 1
            try:
                good.append(self._row(record))
            except Unfit as fault:
                self._refused.append((record.line, str(fault), record.raw))
        self._take(good)
        for line, reason, raw in sorted(self._refused):
            self._rejects.add(line, reason, raw)
        self._refused.clear()

    def _take(self, good: list[Row]) -> None:
        while good:  # a row that is rejected takes no id, so a later one may have it
            first = {row.id: row for row in reversed(good) if row.id not in self._lines}
            later = [row for row in good if first.get(row.id) is not row]
            if not first:
                for row in later:
                    what = f"the same {row.named_by} as in line {self._lines[row.id]}"
                    self._refused.append((row.record.line, what, row.record.raw))
                return
            self._load([row for row in good if first.get(row.id) is row])
            good = later

    def _load(self, rows: list[Row]) -> None:
        """Rows of different leads."""
        self._lines |= {row.id: row.record.line for row in rows}
        stored, new = self._stored([row.id for row in rows]), list[Row]()
        for row in rows:
            other = stored.get(row.id)
            if other is None:
                new.append(row)
            elif differing := [name for name in COLUMNS if other[name] != row.values[name]]:
                self._reject(row, f"lead {row.id} is in the store with another {', '.join(differing)}")
            else:
                self.already_there += 1
        self._insert(new)

    def _reject(self, row: Row, reason: str) -> None:
        self._refused.append((row.record.line, reason, row.record.raw))
        del self._lines[row.id]

    def _insert(self, new: list[Row]) -> None:
        """Writes the rows at once, or, where the store refuses one of them, one by one."""
        try:
            with refusable(self._connection) as connection:
                if connection and new:
                    connection.execute(insert(leads), [row.values for row in new])
        except Unfit as fault:
            if len(new) == 1:
                self._reject(new[0], str(fault))
                return
            for row in new:
                self._insert([row])
        else:
            self.loaded += len(new)

    def _row(self, record: Record) -> Row:
        """Raises Unfit."""
        if record.fault:
            raise Unfit(record.fault)
        values = dict(self._layout.constants) | dict(_values(record, self._layout))
        if values.get("submitted_at") is None:
            raise Unfit("submitted_at is empty")
        for kind in PARTIES:
            values[f"{kind}_id"] = self._parties.id_of(
                kind, values.get(f"{kind}.id"), values.get(f"{kind}.name")
            )
        named_by = "lead_id" if values.get("lead_id") else "reference, source and time"
        values["lead_id"] = self._lead_id(values, record)
        custom = dict(values.get("custom") or {})
        custom |= {
            id.removeprefix(CUSTOM): as_json(value)
            for id, value in values.items()
            if id.startswith(CUSTOM) and value is not None
        }
        values["custom"] = custom or values.get("custom")
        return Row(record, {name: values.get(name) for name in COLUMNS}, named_by)

    def _lead_id(self, values: dict[str, Any], record: Record) -> str:
        """The row's own id, or one that follows from what the row is."""
        seconds = unix_seconds(values["submitted_at"])
        id = values.get("lead_id")
        if id is None and values.get("reference"):
            sender = [
                str(values.get(name) or "") for name in ("flow.id", "flow.name", "source.id", "source.name")
            ]
            id = hashed_id(seconds, "reference", *sender, values["reference"])
        elif id is None:
            row = [*record.cells, *self._constants]
            id = hashed_id(seconds, "row", *row)
            self._repeats[id] += 1
            if self._repeats[id] > 1:  # equal rows are several leads, not one
                id = hashed_id(seconds, "row", *row, str(self._repeats[id]))
        return str(id)

    def _stored(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        if self._connection is None:
            return {}
        rows = self._connection.execute(select(leads).where(leads.c.lead_id.in_(ids)))
        return {row["lead_id"]: dict(row) for row in rows.mappings()}


def _values(record: Record, layout: Layout) -> Iterator[tuple[str, Any]]:
    """Field id and value of every cell; an empty cell is null. Raises Unfit, with all that does not fit."""
    if len(record.cells) != len(layout.cells):
        few = "too few" if len(record.cells) < len(layout.cells) else "too many"
        raise Unfit(f"{few} cells: {len(record.cells)} where the header has {len(layout.cells)}")
    faults = []
    for at, step in enumerate(layout.cells):
        try:
            if step.field:
                yield step.field, step.value(record.cells, at)
        except Unfit as fault:
            faults.append(f"{step.header}: {fault}")
    if faults:
        raise Unfit("; ".join(faults))
