"""Looks after the definitions while Dagster runs: which are there, which broke or went away, which were renamed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import dagster as dg

from export_pipelines.definition import load_definitions
from export_pipelines.definition.known import Known, read_known, remember
from export_pipelines.errors import SettingsError
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.absent import Absent, absent_exports
from export_pipelines.orchestration.checks import definition_check
from export_pipelines.orchestration.names import asset_key, schedule_name
from export_pipelines.orchestration.workshop import Workshop
from export_pipelines.plan.plan import iso

Files = tuple[tuple[str, int, int], ...]


def fresh(workshop: Workshop) -> Callable[[], Workshop]:
    """Gives the workshop with the definitions as the files now are; they are read again only when one has changed."""
    seen, current = _files(workshop), workshop

    def look() -> Workshop:
        nonlocal seen, current
        files, settings = _files(workshop), workshop.settings
        if files != seen:
            try:
                loaded = load_definitions(settings.definitions, workshop.catalog, read_known(settings.home))
            except SettingsError:  # the folder is not there for a moment
                return current
            seen, current = files, replace(workshop, loaded=loaded)
        return current

    return look


def absent_now(workshop: Workshop, not_taken: Sequence[Absent]) -> list[Absent]:
    """Exports that cannot run, `not_taken` among them, as long as their files are as they were when Dagster refused them."""
    same = {one.name: one for one in workshop.loaded.definitions}
    still = [one for one in not_taken if same.get(one.name) == one.stand_in]
    return [*absent_exports(workshop), *still]


def watch_definitions(
    workshop: Workshop,
    absent: Sequence[Absent],
    on: Mapping[str, datetime],
    instance: dg.DagsterInstance,
) -> Iterator[Alert]:
    """Remembers the exports there are, colours the check `definition`, and tells of those that are `absent` while their
    schedule is on, once until they are mended."""
    now, home = workshop.now(), workshop.settings.home
    before, gone = read_known(home), {one.name for one in absent}
    known = {
        one.name: Known.of(one, schedule_name(one) in on)
        for one in workshop.loaded.definitions
        if one.name not in gone
    }
    for definition in workshop.loaded.definitions:
        if definition.name in known and definition.name in before and before[definition.name].fault:
            instance.report_runless_asset_event(definition_check(asset_key(definition)))
    for one in absent:
        if one.stand_in is None:
            continue
        was = before.get(one.name) or Known.of(one.stand_in)
        if was.fault != one.text:
            instance.report_runless_asset_event(definition_check(one.key, one.text))
        since = was.broken_since or iso(now)
        changes = {"on": schedule_name(one.stand_in) in on, "broken_since": since, "fault": one.text}
        known[one.name] = was.model_copy(update=changes)
        if known[one.name].on:
            yield _is_absent(one, since, now)
    remember(home, known)


def _is_absent(one: Absent, since: str, now: datetime) -> Alert:
    return Alert(
        key=f"definition {one.name} {since}",
        export=one.name,
        kind="failure",
        text=f"its schedule is on, and it cannot run: {one.text}",
        then="mend the file and reload the definitions in the Dagster UI, or turn the schedule off",
        noticed_at=now,
    )


def _files(workshop: Workshop) -> Files:
    found = []
    try:
        for path in workshop.settings.definitions.iterdir():
            told = path.stat()
            found.append((path.name, told.st_mtime_ns, told.st_size))
    except OSError:
        return ()
    return tuple(sorted(found))
