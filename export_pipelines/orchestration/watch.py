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
    before, gone = read_known(home), {absent_export.name for absent_export in absent}
    known = {
        definition.name: Known.of(definition, location.schedule_name(definition) in on)
        for definition in project.loaded.definitions
        if definition.name not in gone
    }
    for definition in project.loaded.definitions:
        if definition.name in known and definition.name in before and before[definition.name].fault:
            instance.report_runless_asset_event(definition_check(location.asset_key(definition)))
    for absent_export in absent:
        if absent_export.stand_in is None:
            continue
        was = before.get(absent_export.name) or Known.of(absent_export.stand_in)
        if was.fault != absent_export.text:
            instance.report_runless_asset_event(
                definition_check(absent_export.key(location), absent_export.text)
            )
        since = was.broken_since or iso(now)
        changes = {
            "on": location.schedule_name(absent_export.stand_in) in on,
            "broken_since": since,
            "fault": absent_export.text,
        }
        known[absent_export.name] = was.model_copy(update=changes)
        if known[absent_export.name].on:
            yield _is_absent(absent_export, since, now)
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
    files = []
    try:
        for path in project.settings.definitions.iterdir():
            status = path.stat()
            files.append((path.name, status.st_mtime_ns, status.st_size))
    except OSError:
        return ()
    return tuple(sorted(files))
