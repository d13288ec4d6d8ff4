"""Loads a CSV file of leads into the lead store in one transaction: every record is loaded, already there, or in
the reject file with its line and the reason."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DataError, IntegrityError

from export_pipelines.catalog import Catalog, load_catalog
from export_pipelines.errors import ImportFileError
from export_pipelines.importer.catalog_file import declare
from export_pipelines.importer.date_columns import ColumnOrder, orders_of
from export_pipelines.importer.guess_dialect import FileForm, form_of, opened_text
from export_pipelines.importer.headers import CUSTOM
from export_pipelines.importer.ids import hashed_id, party_id, unix_seconds
from export_pipelines.importer.layout import Layout, lay_out
from export_pipelines.importer.mapping import Mapping
from export_pipelines.importer.parse import Unfit, as_json
from export_pipelines.importer.records import Record, read_records
from export_pipelines.importer.reject_file import FirstRejects, Rejects, reject_file
from export_pipelines.lead_store.store import writing
from export_pipelines.lead_store.tables import PARTIES, leads, metadata

CHUNK, CHUNK_CHARACTERS = 2_000, 8 * 1024 * 1024  # rows, and what they hold at most
COLUMNS = tuple(column.name for column in leads.columns)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImportResult:
    """loaded + already_there + rejected = records. `form`: how the file was read; `columns`: header -> field of all
    columns; `dates`: the orders of dates as `1/2/2024` that the columns tell. `custom_fields`: header -> id of the columns
    that no field knew, `never_exported`: header -> type of the columns whose values no export shows. `reject_file` is None
    when nothing was rejected. Of a dry run `first_rejects` has lines and reasons, and `loaded` is what would be."""

    form: FileForm
    columns: dict[str, str]
    dates: tuple[ColumnOrder, ...]

    records: int
    loaded: int
    already_there: int
    rejected: int
    reject_file: Path | None
    custom_fields: dict[str, str]
    never_exported: dict[str, str]
    catalog_file: Path | None
    first_rejects: tuple[tuple[int, str], ...] = ()


def import_leads(
    file: Path,
    mapping: Mapping,
    url: str,
    reject: Path,
    *,
    catalog: Catalog | None = None,
    catalog_out: Path | None = None,
    progress: Callable[[int], None] | None = None,
    dry_run: bool = False,
) -> ImportResult:
    """Loads `file`, a CSV file, gzip or not, whose first line names the columns, into the store at `url`; a dry run reads
    it all and writes nothing, nor looks into the store.

    A row's id follows from its reference (else from its cells) and its time, so a second import of the same file
    loads nothing twice. `catalog` says the types of custom fields (None: the shipped one); fields it does not declare
    are declared in the file `catalog_out`. `progress` hears how many records are done. Raises ImportFileError for a
    file or mapping that cannot be used, SourceError and StoreError for the store; then nothing is loaded.
    """
    if reject.resolve() == file.resolve():
        raise ImportFileError("the reject file would replace the file to import", where=str(reject))
    log.info("import started", extra={"file": str(file), "dry_run": dry_run})
    dataset = (catalog or load_catalog(None)).dataset("leads")
    form = form_of(file, mapping.encoding, mapping.delimiter)
    with opened_text(file, form.encoding) as stream:
        header = _header(next(read_records(stream, form.delimiter, str(file)), None), file)
    layout = lay_out(header, mapping, dataset, str(file))
    dates = orders_of(file, form, layout, mapping.dates)
    layout = layout.with_orders({date.at: date.order for date in dates})
    first_rejects: tuple[tuple[int, str], ...] = ()
    with opened_text(file, form.encoding) as stream:
        records = read_records(stream, form.delimiter, str(file))
        next(records)
        if dry_run:
            seen = FirstRejects()
            load = _loaded(records, _Load(None, layout, seen), progress)
            rejected, first_rejects, catalog_out = None, tuple(seen.first), None
        else:
            with reject_file(reject) as rejects, writing(url) as connection:
                metadata.create_all(connection)
                load = _loaded(records, _Load(connection, layout, rejects), progress)
                if catalog_out:
                    declare(layout.declared, catalog_out)
                rejected = rejects.finish()
    counts = {"records": load.records, "loaded": load.loaded, "rejected": load.rejected}
    log.info("import finished", extra={"file": str(file), **counts, "already_there": load.already_there})
    return ImportResult(
        form=form,
        columns={step.header: step.field or "its time of day" for step in layout.cells},
        dates=dates,
        first_rejects=first_rejects,
        records=load.records,
        loaded=load.loaded,
        already_there=load.already_there,
        rejected=load.rejected,
        reject_file=rejected,
        custom_fields={step.header: step.field for step in layout.cells if step.field.startswith(CUSTOM)},
        never_exported={step.header: step.never_exported for step in layout.cells if step.never_exported},
        catalog_file=catalog_out if layout.declared else None,
    )


def _loaded(records: Iterator[Record], load: "_Load", progress: Callable[[int], None] | None) -> "_Load":
    for chunk in _chunks(records):
        load.take(chunk)
        log.debug("records taken", extra={"records": load.records, "loaded": load.loaded})
        if progress:
            progress(load.records)
    return load


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    """So many records that they fit into memory, whatever they hold."""
    chunk: list[Record] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += len(record.raw)
        if len(chunk) == CHUNK or size > CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _header(record: Record | None, file: Path) -> tuple[str, ...]:
    if record is None:
        raise ImportFileError("the file is empty; its first line must name the columns", where=str(file))
    if record.fault:
        raise ImportFileError(f"the header cannot be read: {record.fault}", where=f"{file}:{record.line}")
    return record.cells


class _Load:
    """The rows of one import on their way into the store, inside its transaction; without one they are only looked at."""

    def __init__(self, connection: Connection | None, layout: Layout, rejects: Rejects) -> None:
        self._connection, self._layout, self._rejects = connection, layout, rejects
        self._parties = _Parties(connection)
        # equal rows of two partners' files are two leads, which their constants tell apart
        self._constants = [f"{name}={value}" for name, value in sorted(layout.constants.items())]
        self._lines: dict[str, int] = {}  # lead id -> the line of this file it stands on
        self._repeats: Counter[str] = Counter()
        self.records = self.loaded = self.already_there = 0

    @property
    def rejected(self) -> int:
        return self._rejects.count

    def take(self, records: list[Record]) -> None:
        """Loads what can be loaded of these records, and rejects the rest."""
        good: list[tuple[Record, dict[str, Any]]] = []
        for record in records:
            self.records += 1
            try:
                good.append((record, self._row(record)))
            except Unfit as fault:
                self._rejects.add(record.line, str(fault), record.raw)
        stored = self._stored([row["lead_id"] for _, row in good])
        new: list[tuple[Record, dict[str, Any]]] = []
        for record, row in good:
            other = stored.get(row["lead_id"])
            if other is None:
                new.append((record, row))
            elif differing := [name for name in COLUMNS if other[name] != row[name]]:
                self._rejects.add(
                    record.line,
                    f"lead {row['lead_id']} is in the store with another {', '.join(differing)}",
                    record.raw,
                )
            else:
                self.already_there += 1
        self._insert(new)

    def _insert(self, new: list[tuple[Record, dict[str, Any]]]) -> None:
        """Writes the rows at once, or, where the store refuses one of them, one by one."""
        try:
            with _refusable(self._connection) as connection:
                if connection and new:
                    connection.execute(insert(leads), [row for _, row in new])
        except Unfit as fault:
            if len(new) == 1:
                self._rejects.add(new[0][0].line, str(fault), new[0][0].raw)
                return
            for pair in new:
                self._insert([pair])
        else:
            self.loaded += len(new)

    def _row(self, record: Record) -> dict[str, Any]:
        """The record as columns of the leads table. Raises Unfit."""
        if record.fault:
            raise Unfit(record.fault)
        values = dict(self._layout.constants) | dict(_values(record, self._layout))
        if values.get("submitted_at") is None:
            raise Unfit("submitted_at is empty")
        values["lead_id"] = self._lead_id(values, record)
        for kind in PARTIES:
            values[f"{kind}_id"] = self._parties.id_of(
                kind, values.get(f"{kind}.id"), values.get(f"{kind}.name")
            )
        custom = dict(values.get("custom") or {})
        custom |= {
            id.removeprefix(CUSTOM): as_json(value)
            for id, value in values.items()
            if id.startswith(CUSTOM) and value is not None
        }
        values["custom"] = custom or values.get("custom")
        return {name: values.get(name) for name in COLUMNS}

    def _lead_id(self, values: dict[str, Any], record: Record) -> str:
        """The row's own id, or one that follows from what the row is. Raises Unfit when an earlier row has it."""
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
        first = self._lines.setdefault(id, record.line)
        if first != record.line:
            what = "lead_id" if values.get("lead_id") else "reference, source and time"
            raise Unfit(f"the same {what} as in line {first}")
        return str(id)

    def _stored(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        if self._connection is None:
            return {}
        found = self._connection.execute(select(leads).where(leads.c.lead_id.in_(ids)))
        return {row["lead_id"]: dict(row) for row in found.mappings()}


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


@contextmanager
def _refusable(connection: Connection | None) -> Iterator[Connection | None]:
    """What the store refuses for a value's sake is undone, and Unfit."""
    if connection is None:
        yield None
        return
    try:
        with connection.begin_nested():
            yield connection
    except (DataError, IntegrityError) as error:
        raise Unfit(
            f"the store refuses it: {type(error.orig).__name__}; a value is longer or larger than it holds"
        ) from error


class _Parties:
    """Flows, sources and recipients by name and id; a new one is written when a row first names it."""

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection
        self._names: dict[str, dict[str, str]] = {}  # kind -> id -> name
        self._ids: dict[str, dict[str, str]] = {}  # kind -> name -> id
        for kind, table in PARTIES.items():
            query = select(table.c.id, table.c.name).order_by(table.c.id.desc())
            rows = connection.execute(query).tuples().all() if connection else []
            self._names[kind] = dict(rows)
            self._ids[kind] = {name: id for id, name in rows}

    def id_of(self, kind: str, id: str | None, name: str | None) -> str | None:
        """The id of the party that a row names by id, name or both. Raises Unfit when they belong to two."""
        if id is None and name is None:
            return None
        if id is None:
            id = self._ids[kind].get(name or "") or party_id(kind, name or "")
        known = self._names[kind].get(id)
        if known is None:
            known = name or id
            with _refusable(self._connection) as connection:
                if connection:
                    connection.execute(insert(PARTIES[kind]), {"id": id, "name": known})
            self._names[kind][id] = known
            self._ids[kind].setdefault(known, id)
        if name is not None and known != name:
            raise Unfit(f"{kind}.id belongs to another {kind}.name")
        return id
