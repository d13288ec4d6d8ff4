"""Everything about `exports/` that can be known before a run: a list of faults comes out, none hides another."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from export_pipelines.alerts.rules import load_alerts
from export_pipelines.artifacts import open_store
from export_pipelines.catalog import Catalog
from export_pipelines.catalog.load import shown
from export_pipelines.definition import ExportDefinition, Loaded, load_definitions
from export_pipelines.definition.allowed import ANY
from export_pipelines.definition.destinations.settings import Overwrite
from export_pipelines.definition.export import Cadence
from export_pipelines.definition.given import AT_LAUNCH
from export_pipelines.definition.known import read_known
from export_pipelines.definition.loader import crashed
from export_pipelines.definition.targets import Claims, Target, conflict, file_words, target_of
from export_pipelines.delivery import Resources, open_destination
from export_pipelines.errors import (
    DefinitionError,
    ExportError,
    WindowError,
    faults_in,
)
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.naming import part_file_name, window_words
from export_pipelines.plan.plan import Plan, Window
from export_pipelines.plan.window import WHOLE, scheduled_window, window_between, window_of
from export_pipelines.settings import Settings

log = logging.getLogger(__name__)

# Pairs of windows that share all but one word of a template: the day, the month, the year.
SAMPLES: dict[Cadence, tuple[str, ...]] = {
    "daily": ("2023-01-01", "2023-01-02", "2023-02-01", "2024-01-01"),
    "weekly of month": ("2023-01-01", "2023-01-08", "2023-02-01", "2024-01-01"),
    "weekly": ("2023-01-01", "2023-01-08", "2023-10-01", "2017-01-01"),
    "monthly": ("2023-01-01", "2023-02-01", "2024-01-01"),
}


SOME_LEAD = "0" * 24  # in the place of those that a launch will give


class CheckFault(NamedTuple):
    """`name` is the export, or what else was looked at; an `error` keeps it from running, a `warning` or a `note` does not."""

    name: str
    severity: Literal["error", "warning", "note"]
    text: str


def check_all(
    settings: Settings,
    catalog: Catalog,
    names: Sequence[str] | None = None,
    connect: bool = False,
    probe: str = "20000101T000000Z-000000",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    environment: Mapping[str, str] = os.environ,
) -> list[CheckFault]:
    """Every fault of the exports `names`, or of all, in the order of their names.

    `connect` asks the source for each query's tables, an index and its clock, every destination for the right to write, and the
    artifact store for room, as an artifact named `probe` that is not kept. Raises SettingsError without the folder of exports, RequestError for an unknown name.
    """
    log.info("check started", extra={"connect": connect})
    loaded = load_definitions(settings.definitions, catalog, read_known(settings.home))
    asked = _asked(loaded, names)
    faults = [
        CheckFault(name, "error", text)
        for name, error in loaded.broken.items()
        if name in asked
        for text in error.faults
    ]
    plans: dict[str, list[Plan]] = {}
    for definition in loaded.definitions:
        try:
            plans[definition.name] = _plans(definition, settings, catalog)
        except ExportError as error:
            faults += _faults(definition.name, error)
        except Exception as error:
            faults += _faults(definition.name, crashed(f"{definition.path}:1", error))
    faults += _path_faults(loaded, plans, settings)
    chosen = [one for one in loaded.definitions if one.name in asked and one.name in plans]
    resources = Resources(settings, environment)
    try:
        faults += _allowed_notes(resources)
    except DefinitionError as error:
        faults += [CheckFault(ALLOWED, "error", text) for text in error.faults]
    else:
        faults += _destination_faults(chosen, resources, connect)
        faults += _alert_faults(resources)
    if connect:
        faults += _connection_faults(
            settings, catalog, {name: plans[name] for name in asked if name in plans}
        )
        faults += _clock_faults(settings, now)
        faults += _store_faults(settings, probe)
    found = sorted({fault for fault in faults if fault.name in asked or fault.name in OTHERS})
    for fault in found:
        log.debug("fault", extra={"of": fault.name, "severity": fault.severity})
    errors = sum(fault.severity == "error" for fault in found)
    log.info("check finished", extra={"exports": len(asked), "faults": len(found), "errors": errors})
    return found


STORE, SOURCE, ALERTS, ALLOWED = OTHERS = ("artifact store", "source", "alerts", "allowed")


def _asked(loaded: Loaded, names: Sequence[str] | None) -> set[str]:
    for name in names or ():
        loaded.demand(name)
    return set(names or loaded.names)


def _faults(name: str, error: ExportError) -> Iterator[CheckFault]:
    for fault in faults_in(str(error)):
        yield CheckFault(name, "error", fault)


def _windows(definition: ExportDefinition) -> list[Window]:
    if definition.partition:
        anywhen = definition.model_copy(update={"start": "2000-01-01"})
        return [window_of(anywhen, key) for key in SAMPLES[definition.partition]]
    if definition.filter.last:
        return [_scheduled(definition, date(2023, 1, 1)), _scheduled(definition, date(2023, 1, 2))]
    return [WHOLE, window_between("2023-01-01", "2023-01-02")]


def _scheduled(definition: ExportDefinition, day: date) -> Window:
    return scheduled_window(definition, window_between(day, date(9999, 1, 1)).start)


def _plans(definition: ExportDefinition, settings: Settings, catalog: Catalog) -> list[Plan]:
    if definition.filter.lead_ids == AT_LAUNCH:
        some = definition.filter.model_copy(update={"lead_ids": (SOME_LEAD,)})
        definition = definition.model_copy(update={"filter": some})
    plans = []
    for window in _windows(definition):
        try:
            plans.append(
                compile_plan(PlanRequest(definition, window, catalog, settings.dialect, settings.key_names))
            )
        except WindowError:  # such a window can be asked for, and this export refuses it
            if window is not WHOLE:
                raise
    return plans


# --- paths -----------------------------------------------------------------------------------------------------


def _path_faults(loaded: Loaded, plans: dict[str, list[Plan]], settings: Settings) -> Iterator[CheckFault]:
    claims, by_name = Claims(), {one.name: one for one in loaded.definitions}
    for definition in loaded.definitions:
        try:
            written = [
                one for plan in plans.get(definition.name, ()) for one in _written(plan, definition, settings)
            ]
        except ExportError as error:
            yield from _faults(definition.name, error)
            continue
        yield from _own_faults(definition, written, settings)
        targets = [one.target for one in written]
        for rival, target in claims.rivals(targets).items():
            yield CheckFault(definition.name, "error", conflict(definition, rival, target))
            yield CheckFault(rival, "error", conflict(by_name[rival], definition.name, target))
        claims.add(definition.name, targets)


class _Written(NamedTuple):
    """What one window writes at one destination."""

    target: Target
    overwrite: Overwrite
    window: str


def _written(plan: Plan, definition: ExportDefinition, settings: Settings) -> Iterator[_Written]:
    window, here = plan.extract.window, settings.home / "delivered"
    words = {**window_words(window), **file_words(definition), "run": window.key}
    for entry in definition.deliver:
        target = target_of(entry, words, part_file_name(plan, 1), here)
        if target is not None:
            yield _Written(target, entry.replaces(), window.key)


def _own_faults(
    definition: ExportDefinition, written: Iterable[_Written], settings: Settings
) -> Iterator[CheckFault]:
    store = open_store(settings.store_url)
    where = definition.at("deliver")
    first: dict[Target, str] = {}
    for target, overwrite, window in written:
        if not target.server and store.holds(target.folder):
            text = (
                f"{where}: {target.folder} lies inside the artifact store; deliver to a folder outside of it"
            )
            yield CheckFault(definition.name, "error", text)
            return
        other = first.setdefault(target, window)
        if other != window and overwrite != "version" and definition.partition:
            then = "replace" if overwrite == "replace" else "be refused because of"
            text = (
                f"{where}: windows {other} and {window} both write {target}: one "
                f"would {then} the other; put {{{{date}}}} into the path or the naming, or say overwrite: version"
            )
            yield CheckFault(definition.name, "warning", text)
            return


def _destination_faults(
    definitions: Iterable[ExportDefinition], resources: Resources, connect: bool
) -> Iterator[CheckFault]:
    """Secrets, keys and certificates that are not there; what a server says only when `connect` asks it."""
    for definition in definitions:
        for index, entry in enumerate(definition.deliver):
            refused = list(_refusals(definition, index, resources))
            yield from refused
            if refused:
                continue
            try:
                destination = open_destination(entry, resources)
                if connect:
                    destination.check()
            except ExportError as error:
                yield CheckFault(definition.name, "error", f"{definition.at('deliver', index)}: {error}")


def _refusals(definition: ExportDefinition, index: int, resources: Resources) -> Iterator[CheckFault]:
    """What a destination names and the operator does not allow."""
    entry = definition.deliver[index]
    for named in entry.named():
        key = ("deliver", index, entry.kind, *named.key)
        refusal = resources.refusal(named.kind, named.name)
        if refusal:
            text = f"{definition.at(*key)}: {'.'.join(map(str, key))}: {refusal}"
            yield CheckFault(definition.name, "error", text)


def _allowed_notes(resources: Resources) -> Iterator[CheckFault]:
    """Raises DefinitionError for a list that is wrong."""
    if resources.allowed is ANY:
        yield CheckFault(
            ALLOWED,
            "note",
            f"there is no {shown(resources.settings.allowed)}, so exports may name any variable, file, host, bucket and "
            "mail domain but the program's own variables and files",
        )


def _alert_faults(resources: Resources) -> Iterator[CheckFault]:
    """What is wrong with who is told: the file, and secrets that are not there."""
    try:
        rules = load_alerts(resources.settings.alerts)
    except DefinitionError as error:
        yield from (CheckFault(ALERTS, "error", text) for text in error.faults)
        return
    for channel in (one for rule in rules for one in rule.to):
        from export_pipelines.alerts.channels import open_channel  # with what speaks HTTP and SMTP

        try:
            open_channel(channel, resources)
        except ExportError as error:
            yield CheckFault(ALERTS, "error", str(error))


# --- what answers ----------------------------------------------------------------------------------------------


def _connection_faults(
    settings: Settings, catalog: Catalog, plans: dict[str, list[Plan]]
) -> Iterator[CheckFault]:
    from export_pipelines.read.open_source import open_source

    url = settings.source_url.get_secret_value()
    for name, compiled in plans.items():
        try:
            open_source(url).check(compiled[0].query)
        except ExportError as error:
            yield from _faults(name, error)
        else:
            yield from _index_faults(name, compiled[0], catalog, url)


def _index_faults(name: str, plan: Plan, catalog: Catalog, url: str) -> Iterator[CheckFault]:
    """A window that no index finds makes every run read the whole table."""
    from export_pipelines.read.index_advice import has_index

    dataset = catalog.dataset(plan.extract.dataset)
    by_id = {field.id: field for field in dataset.fields}
    window = by_id[dataset.window]
    if window.path is None and "." not in window.column and not has_index(url, dataset.table, window.column):
        columns = ", ".join(by_id[id].column for id in dataset.order)
        yield CheckFault(
            name,
            "warning",
            f"no index of {dataset.table} begins with {window.column}, so each window reads the whole table; "
            f"an index on ({columns}) would find it",
        )


def _clock_faults(settings: Settings, now: Callable[[], datetime]) -> Iterator[CheckFault]:
    from export_pipelines.read.clock_advice import clock_ahead

    ahead = clock_ahead(settings.source_url.get_secret_value(), now)
    if ahead:
        minutes, way = (
            round(abs(ahead) / timedelta(minutes=1)),
            "ahead of" if ahead > timedelta() else "behind",
        )
        yield CheckFault(
            SOURCE,
            "warning",
            f"the clock of the source is {minutes} minutes {way} ours: a window closes by ours, and rows whose times are "
            "told by the source's may still come into one that was exported; set both by a time server",
        )


def _store_faults(settings: Settings, probe: str) -> Iterator[CheckFault]:
    try:
        with open_store(settings.store_url).begin("check", "connect", probe) as staging:
            staging.open_part("part").finish()
    except ExportError as error:
        yield from _faults(STORE, error)
