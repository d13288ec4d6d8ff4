"""Loads a CSV file of leads into the lead store in one transaction: every record is loaded, already there, or in
the reject file with its line and the reason."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_pipelines.catalog import Catalog, load_catalog
from export_pipelines.errors import ImportFileError
from export_pipelines.importer.catalog_file import declare
from export_pipelines.importer.date_columns import ColumnOrder, orders_of
from export_pipelines.importer.guess_dialect import FileForm, form_of, opened_text
from export_pipelines.importer.headers import CUSTOM
from export_pipelines.importer.layout import lay_out
from export_pipelines.importer.load_records import Load
from export_pipelines.importer.mapping import Mapping, Match
from export_pipelines.importer.records import Record, read_records
from export_pipelines.importer.reject_file import FirstRejects, reject_file
from export_pipelines.lead_store.store import writing
from export_pipelines.lead_store.tables import metadata

CHUNK, CHUNK_CHARACTERS = 2_000, 8 * 1024 * 1024  # rows, and what they hold at most
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImportedColumn:
    """A column of the file, the field that it fills, and why."""

    header: str
    field: str
    match: Match

    def as_json(self) -> dict[str, Any]:
        return {
            "header": self.header,
            "field": self.field,
            "match": self.match,
            "guessed": self.match.is_guess,
        }


@dataclass(frozen=True)
class ImportResult:
    """loaded + already_there + rejected = records. `form`: how the file was read; `columns`: all columns of the file, in
    their order; `dates`: the orders of dates as `1/2/2024` that the columns tell. `custom_fields`: header -> id of the columns
    that no field knew, `never_exported`: header -> type of the columns whose values no export shows. `reject_file` is None
    when nothing was rejected. Of a dry run `first_rejects` has lines and reasons, and `loaded` is what would be."""

    form: FileForm
    columns: tuple[ImportedColumn, ...]
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
    is_numbered: bool = False,
    catalog: Catalog | None = None,
    catalog_out: Path | None = None,
    progress: Callable[[int], None] | None = None,
    waiting: Callable[[], None] | None = None,
    dry_run: bool = False,
) -> ImportResult:
    """Loads `file`, a CSV file, gzip or not, whose first line names the columns, into the store at `url`; a dry run reads
    it all and writes nothing, nor looks into the store. Rows that cannot be loaded go into the file `reject`, see `reject_file`
    for `is_numbered`.

    A row's id follows from its reference (else from its cells) and its time, so a second import of the same file
    loads nothing twice. `catalog` says the types of custom fields (None: the shipped one); fields it does not declare
    are declared in the file `catalog_out`. `progress` hears how many records are done. Of several imports into one store one
    is at work at a time; `waiting` hears that this one waits for another. Raises ImportFileError for a
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
            load = _loaded(records, Load(None, layout, seen), progress)
            rejected, first_rejects, catalog_out = None, tuple(seen.first), None
        else:
            with reject_file(reject, is_numbered) as rejects, writing(url, waiting=waiting) as connection:
                metadata.create_all(connection)
                load = _loaded(records, Load(connection, layout, rejects), progress)
                if load.rejected == load.records:  # no row has a value of them
                    catalog_out = None
                if catalog_out:
                    declare(layout.declared, catalog_out)
                rejected = rejects.finish()
    counts = {"records": load.records, "loaded": load.loaded, "rejected": load.rejected}
    log.info("import finished", extra={"file": str(file), **counts, "already_there": load.already_there})
    return ImportResult(
        form=form,
        columns=tuple(
            ImportedColumn(step.header, step.field or "its time of day", step.match) for step in layout.cells
        ),
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


def _loaded(records: Iterator[Record], load: Load, progress: Callable[[int], None] | None) -> Load:
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
