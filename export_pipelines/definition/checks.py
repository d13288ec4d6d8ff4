"""What a definition's keys mean together and against the catalog; each fault with its key."""

from collections.abc import Iterator

from export_pipelines.catalog import PERSONAL_CLASSES, Catalog, Dataset
from export_pipelines.definition.filter_checks import filter_faults, personal_values
from export_pipelines.definition.mode_checks import mode_faults
from export_pipelines.definition.output import FORMATS, format_of
from export_pipelines.definition.overrides import AT_LAUNCH, RunOverrides, is_overridden
from export_pipelines.definition.readers import FORMS, form_of
from export_pipelines.definition.report import drawn_from
from export_pipelines.definition.report_checks import key_faults, report_faults
from export_pipelines.definition.same_files import OPEN, target_of
from export_pipelines.definition.schedule import begins_within
from export_pipelines.definition.selection import DATASETS, exportable, selection_faults
from export_pipelines.definition.stream_checks import stream_faults
from export_pipelines.definition.written import WrittenExport, cadence_of
from export_pipelines.errors import CatalogError
from export_pipelines.templates import words_in
from export_pipelines.yaml.lines import Key

Faults = Iterator[tuple[Key, str]]
LATEST_START = "9000-01-01"  # of a calendar that ends with the year 9999
SORTED_TYPES = ("id", "timestamp", "integer")


def definition_faults(written: WrittenExport, catalog: Catalog) -> Faults:
    """Every fault of keys that are each well formed."""
    yield from key_faults(written)
    report = written.report
    try:
        dataset = _dataset(written, catalog)
    except CatalogError as error:
        yield ("type",), f"type: {error.what}"
        return
    if report:
        yield from report_faults(report, dataset)
    else:
        chosen = tuple(written.fields) if isinstance(written.fields, list) else written.fields
        for key, text in selection_faults(chosen, dataset):
            yield ("fields", *key), text
    for key, text in filter_faults(written.filter, dataset):
        yield ("filter", *key), f"{_dotted(('filter', *key))}: {text}"
    if not report:
        yield from _sort(written, dataset)
        yield from _privacy(written, dataset)
    yield from mode_faults(written, dataset)
    yield from stream_faults(written, dataset)
    yield from _windows(written)
    yield from _files(written)
    yield from _recipes(written)


def override_faults(written: WrittenExport, catalog: Catalog, overrides: RunOverrides) -> Faults:
    """Of a definition without other faults: what a launch must not give, since Dagster's records keep it. Told before a
    launch at the terminal; a run that the UI launched fails."""
    for key, id in personal_values(written.filter, _dataset(written, catalog)):
        if is_overridden(("filter", *key), overrides):
            yield (
                ("filter", *key),
                f"{_dotted(('filter', *key))}: {id} tells a person, and what is given at launch is kept in the records of "
                "runs; write it in the export's file, or give lead_ids",
            )


def kept_faults(written: WrittenExport, catalog: Catalog) -> Faults:
    """Of an ad-hoc export without other faults: what it must not give, since the ledger keeps the request."""
    for key, id in personal_values(written.filter, _dataset(written, catalog)):
        yield (
            ("filter", *key),
            f"{_dotted(('filter', *key))}: {id} tells a person, and what is asked for is kept in the ledger; write it in an "
            "export's file, or give lead_ids",
        )


def _dataset(written: WrittenExport, catalog: Catalog) -> Dataset:
    report = written.report
    return drawn_from(report, catalog) if report else catalog.dataset(DATASETS[written.type])


def _dotted(key: Key) -> str:
    return ".".join(map(str, key))


def sortable(dataset: Dataset) -> list[str]:
    """Fields whose values stand in one order, whatever the database's language is."""
    return [field.id for field in dataset.fields if field.type in SORTED_TYPES and field.path is None]


def _sort(written: WrittenExport, dataset: Dataset) -> Faults:
    for place, id in enumerate(written.sort):
        try:
            field = dataset.find(id)
        except CatalogError as error:
            yield ("sort", place), f"sort: {error.what}"
            continue
        if field.id not in sortable(dataset):
            allowed = ", ".join(sortable(dataset))
            yield ("sort", place), f'sort: "{id}" has no order that all databases share; allowed: {allowed}'


def _privacy(written: WrittenExport, dataset: Dataset) -> Faults:
    wide = {f"{field.id}.*" for field in dataset.wide}
    for id, word in written.privacy.items():
        key: Key = ("privacy", id)
        if id in PERSONAL_CLASSES:
            continue
        try:
            fields = () if dataset.full(id) in wide else dataset.match(id)
        except CatalogError as error:
            yield key, f"privacy: {error.what}"
            continue
        if dataset.get(id) and word != "remove" and not exportable(fields[0]):
            yield key, f'privacy: "{id}" is never exported, {word} or not; allowed: remove'


def _windows(written: WrittenExport) -> Faults:
    partition = cadence_of(written)
    if written.partition and written.filter.last:
        yield (
            ("filter", "last"),
            (
                f"filter.last: the window of a run is its {partition} partition already; take one of the two out"
            ),
        )
    if written.start and written.start >= LATEST_START:
        yield (
            ("start",),
            f"start: a day before {LATEST_START} is expected, since windows end after they begin",
        )
    if written.schedule and written.filter.lead_ids == AT_LAUNCH:
        yield ("schedule",), "schedule: nobody is there to give filter.lead_ids; take one of the two out"
    if written.schedule and written.quiet_hours and not begins_within(written.schedule, written.quiet_hours):
        minute, hour = written.schedule.cron.split()[:2]
        yield (
            ("schedule",),
            f"schedule: it begins at {int(hour):02d}:{int(minute):02d}, outside of quiet_hours {written.quiet_hours}",
        )


def _recipes(written: WrittenExport) -> Faults:
    form = format_of(written.format)
    for place, reader in enumerate(written.recipes):
        if form_of(form.name, form.options) not in FORMS[reader]:
            yield (
                ("recipes", place),
                f"recipes: {reader} has no recipe for {form_of(form.name, form.options)}; leave it out, or export one of: "
                + "; ".join(FORMS[reader]),
            )


def _files(written: WrittenExport) -> Faults:
    split = written.split.rows or written.split.bytes
    if written.naming and split and "part" not in words_in(written.naming):
        yield (
            ("naming",),
            "naming: with `split` each part needs a name of its own; put {{part}} into the template",
        )
    form = format_of(written.format).name
    holds = FORMATS[form].max_rows
    if holds is not None and (written.split.rows or 0) > holds:
        yield (
            ("split", "rows"),
            f"split.rows: one {form} file holds {holds:,} rows, not {written.split.rows:,}",
        )
    places = [target_of(destination, OPEN, "") for destination in written.deliver]
    for number, place in enumerate(places):
        if place is not None and place in places[:number]:
            yield (
                ("deliver", number),
                f'deliver.{number}: another destination of this export writes into "{place}" already',
            )
