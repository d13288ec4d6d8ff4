"""Looks after the definitions while Dagster runs: which are there, which broke or went away, which were renamed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import dagster as dg

from export_pipelines.definition.remembered import Known, read_known, remember
from export_pipelines.errors import SettingsError
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.absent import Absent, absent_exports
from export_pipelines.orchestration.checks import definition_check
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.plan.plan import iso
from export_pipelines.project import Project

Files = tuple[tuple[str, int, int], ...]


def fresh(location: CodeLocation) -> Callable[[], CodeLocation]:
    """Gives the code location with the definitions as the files now are; they are read again only when one has changed."""
    seen, current = _files(location.project), location

    def look() -> CodeLocation:
        nonlocal seen, current
        files = _files(location.project)
        if files != seen:
            try:
                project = current.project.reread()
            except SettingsError:  # the folder is not there for a moment
                return current
            seen, current = files, replace(current, project=project)
        return current

    return look


def absent_now(location: CodeLocation, not_taken: Sequence[Absent]) -> list[Absent]:
    """Exports that cannot run, `not_taken` among them, as long as their files are as they were when Dagster refused them."""
    same = {definition.name: definition for definition in location.project.loaded.definitions}
    still = [absent for absent in not_taken if same.get(absent.name) == absent.stand_in]
    return [*absent_exports(location), *still]


def watch_definitions(
    location: CodeLocation,
    absent: Sequence[Absent],
    on: Mapping[str, datetime],
    instance: dg.DagsterInstance,
) -> Iterator[Alert]:
    """Remembers the exports there are, colours the check `definition`, and tells of those that are `absent` while their
    schedule is on, once until they are mended."""
    project = location.project
    now, home = project.now(), project.settings.home
    before, gone = read_known(home), {one.name for one in absent}
    known = {
        one.name: Known.of(one, location.schedule_name(one) in on)
        for one in project.loaded.definitions
        if one.name not in gone
    }
    for definition in project.loaded.definitions:
        if definition.name in known and definition.name in before and before[definition.name].fault:
            instance.report_runless_asset_event(definition_check(location.asset_key(definition)))
    for one in absent:
        if one.stand_in is None:
            continue
        was = before.get(one.name) or Known.of(one.stand_in)
        if was.fault != one.text:
            instance.report_runless_asset_event(definition_check(one.key(location), one.text))
        since = was.broken_since or iso(now)
        changes = {"on": location.schedule_name(one.stand_in) in on, "broken_since": since, "fault": one.text}
        known[one.name] = was.model_copy(update=changes)
        if known[one.name].on:
            yield _is_absent(one, since, now)
    remember(home, known)


def _is_absent(absent: Absent, since: str, now: datetime) -> Alert:
    return Alert(
        key=f"definition {absent.name} {since}",
        export=absent.name,
        kind="failure",
        text=f"its schedule is on, and it cannot run: {absent.text}",
        then="mend the file and reload the definitions in the Dagster UI, or turn the schedule off",
        noticed_at=now,
    )


def _files(project: Project) -> Files:
    found = []
    try:
        for path in project.settings.definitions.iterdir():
            told = path.stat()
            found.append((path.name, told.st_mtime_ns, told.st_size))
    except OSError:
        return ()
    return tuple(sorted(found))
