"""All parts in order. One that cannot be asked is a finding, and hides no other."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from export_pipelines.diagnosis import Finding
from export_pipelines.errors import ExportError
from export_pipelines.orchestration.observed_instance import ObservedInstance
from export_pipelines.project import Project
from export_pipelines.status import dagster, leases, machine, slots, streams
from export_pipelines.status.part import StatusPart

OF_DAGSTER: Mapping[str, Callable[[ObservedInstance], StatusPart]] = {
    "daemon": dagster.daemon,
    "queue": dagster.queue,
    "runs": dagster.runs,
    "late": dagster.late,
    "deliveries": dagster.undelivered,
}
OF_PROJECT: Mapping[str, Callable[..., StatusPart]] = {
    "definitions": machine.definitions,
    "ledger": machine.ledger,
    "leases": leases.leases,
    "streams": streams.streams,
    "slots": slots.slots,
    "disk": machine.disk,
    "keys": machine.keys,
    "audit": machine.audit,
}
PARTS = (*OF_PROJECT, *OF_DAGSTER)


def status_of(project: Project, instance: Callable[[], AbstractContextManager[Any]]) -> list[StatusPart]:
    """Every part of PARTS, in their order; `instance` opens Dagster's of the project. Changes nothing."""
    now = project.now()
    parts = [_asked(name, partial(ask, project, now)) for name, ask in OF_PROJECT.items()]
    return [*parts, *_of_dagster(project, instance)]


def _of_dagster(
    project: Project, open_instance: Callable[[], AbstractContextManager[Any]]
) -> Iterator[StatusPart]:
    try:
        with open_instance() as instance:
            observed = ObservedInstance(project, instance)
            for name, ask in OF_DAGSTER.items():
                yield _asked(name, partial(ask, observed))
    except ExportError as error:
        yield StatusPart("daemon", [_unanswered(error)])


def _asked(name: str, ask: Callable[[], StatusPart]) -> StatusPart:
    try:
        return ask()
    except ExportError as error:
        return StatusPart(name, [_unanswered(error)])
    except Exception as error:  # a library's own: its text may quote anything
        return StatusPart(name, [Finding("bad", f"does not answer: {type(error).__name__}")])


def _unanswered(error: ExportError) -> Finding:
    where = f"{error.where}: " if error.where else ""
    return Finding("bad", f"{where}{error.what}", error.remedy)
