"""Exports whose file broke or went away: each stands in the UI where it stood, under its own key, and fails with the reason.

Job and schedule stay too: of a schedule that is not there Dagster forgets after twelve hours that it was on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import dagster as dg

from export_pipelines.catalog.load import shown
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.output import Format
from export_pipelines.definition.remembered import Known, read_known
from export_pipelines.definition.reserved_names import taken_by
from export_pipelines.definition.words import NAME_PATTERN
from export_pipelines.errors import DefinitionError
from export_pipelines.orchestration.checks import check_specs, definition_check, report
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.code_reference import code_reference
from export_pipelines.orchestration.dagster_partitions import partitions_of
from export_pipelines.orchestration.failing import as_dagster_failure
from export_pipelines.orchestration.run_tags import EXPORT_TAG, note_export
from export_pipelines.orchestration.schedules import schedule_of
from export_pipelines.project import Project

BROKEN = "broken_definitions"  # group of those of which nothing is known
_TYPE = re.compile(rb"^type:[ \t]*[\"']?(lead|event|report)\b", re.MULTILINE)
LOOKED_AT = 100_000  # bytes of a broken file, for its type


class Parts(NamedTuple):
    """What Dagster has of one export."""

    asset: dg.AssetsDefinition
    job: Any = None
    schedule: dg.ScheduleDefinition | None = None


@dataclass(frozen=True)
class Absent:
    """`stand_in` is as much of the definition as is known: type, partitions, schedule; None when not even its type is."""

    name: str
    error: DefinitionError
    stand_in: ExportDefinition | None

    def key(self, location: CodeLocation) -> dg.AssetKey:
        if self.stand_in:
            return location.asset_key(self.stand_in)
        return location.key("broken", re.sub(r"[^A-Za-z0-9_]", "_", self.name))

    @property
    def text(self) -> str:
        return "\n".join(self.error.faults)


def absent_exports(location: CodeLocation) -> list[Absent]:
    """Those whose file cannot be read, and those whose file went away while their schedule is on."""
    project = location.project
    known = read_known(project.settings.home)
    absent = [
        Absent(name, error, _stand_in(name, known.get(name) or _guessed(name, project)))
        for name, error in project.loaded.broken.items()
    ]
    names = {definition.name for definition in project.loaded.definitions} | set(project.loaded.broken)
    renamed = {old for definition in project.loaded.definitions for old in definition.renamed_from}
    for name, known_export in known.items():
        if known_export.on and name not in names | renamed:
            absent.append(Absent(name, _gone(name, known_export, project), _stand_in(name, known_export)))
    return list(_each_by_itself(absent, location))


def refused(definition: ExportDefinition, error: Exception) -> Absent:
    """An export that reads well and that Dagster does not take."""
    fault = f"{definition.at('start')}: Dagster does not take this definition: {error}"
    if definition.at("start") == str(definition.path):
        fault = fault.replace(f"{definition.path}: ", f"{definition.path}:1: ", 1)
    return Absent(definition.name, DefinitionError([fault]), definition)


def absent_parts(absent: Absent, location: CodeLocation) -> Parts:
    """Asset, job and schedule of one; only the asset where Dagster does not take what is known of it."""
    try:
        asset = _asset(absent, location, absent.stand_in)
        if absent.stand_in is None:
            return Parts(asset)
        job = dg.define_asset_job(
            location.job_name(absent.stand_in),
            selection=dg.AssetSelection.assets(absent.key(location)),
            tags={EXPORT_TAG: location.job_name(absent.stand_in)},
            executor_def=dg.in_process_executor,
        )
        return Parts(asset, job, _schedule(absent, absent.stand_in, job, location))
    except Exception:
        return Parts(_asset(absent, location, None))


def _asset(absent: Absent, location: CodeLocation, stand_in: ExportDefinition | None) -> dg.AssetsDefinition:
    key, partitions = absent.key(location), partitions_of(stand_in) if stand_in else None
    file = location.project.settings.definitions / (
        absent.stand_in.path.name if absent.stand_in else f"{absent.name}.yaml"
    )

    @dg.asset(
        key=key,
        group_name=location.named(absent.stand_in.type if absent.stand_in else BROKEN),
        description=f"This definition cannot be loaded, so it cannot be materialized.\n\n```\n{absent.text}\n```",
        metadata={"faults": len(absent.error.faults), **code_reference(file, _line(absent.error))},
        kinds={"yaml"},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.multi_run(location.project.settings.partitions_per_run)
        if partitions
        else None,
        check_specs=check_specs(
            key, partitions
        ),  # the export's own: a run was launched for all of them, before or after
        io_manager_key=location.artifacts,
        config_schema=dg.Permissive(),  # type: ignore[no-untyped-call]  # a run may have been launched for the export as it was
    )
    def broken(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]  # of None, Dagster would demand a tuple
        note_export(context.op_execution_context, location.named(absent.name))
        report(context.op_execution_context, definition_check(key, absent.text))
        with as_dagster_failure():
            raise absent.error

    return broken


def _schedule(
    absent: Absent, stand_in: ExportDefinition, job: Any, location: CodeLocation
) -> dg.ScheduleDefinition | None:
    """Under the same name, so that it stays on or off; its ticks fail until the file is mended."""

    def tick(context: dg.ScheduleEvaluationContext) -> dg.SkipReason:
        raise DefinitionError([f"{absent.name} was not exported. {absent.text}"])

    return schedule_of(stand_in, job, location, f"Its definition cannot be loaded: {absent.text}", tick)


def _stand_in(name: str, known: Known | None) -> ExportDefinition | None:
    if known is None or not re.fullmatch(NAME_PATTERN, name) or taken_by(name):
        return None
    same = known.model_dump(include={"type", "partition", "start", "schedule"})
    return ExportDefinition(name=name, path=known.file, format=Format(name="csv"), **same)


def _guessed(name: str, project: Project) -> Known | None:
    """Of a file that never was whole: its type, where a line says it."""
    for suffix in (".yaml", ".yml"):
        file = project.settings.definitions / f"{name}{suffix}"
        try:
            if file.is_file():
                with file.open("rb") as opened:
                    said = _TYPE.search(opened.read(LOOKED_AT))
                return Known.model_validate({"type": said[1].decode(), "file": file.name}) if said else None
        except OSError:
            return None
    return None


def _gone(name: str, known: Known, project: Project) -> DefinitionError:
    file = shown(project.settings.definitions / known.file)
    return DefinitionError(
        [
            f"{file}:1: the file is not there, and the schedule of {name} is on; put it back, or say `renamed_from: {name}` in "
            "the file that took its place, or turn the schedule off"
        ]
    )


def _each_by_itself(exports: list[Absent], location: CodeLocation) -> Iterator[Absent]:
    """No two with one key: what is left of two odd names may be the same."""
    taken = set[dg.AssetKey]()
    for absent in exports:
        number, key = 1, absent.key(location)
        while key in taken:
            number += 1
            key = Absent(f"{absent.name}_{number}", absent.error, None).key(location)
        taken.add(key)
        yield absent if number == 1 else Absent(f"{absent.name}_{number}", absent.error, None)


def _line(error: DefinitionError) -> int:
    said = re.search(r":(\d+): ", error.faults[0]) if error.faults else None
    return int(said[1]) if said else 1
