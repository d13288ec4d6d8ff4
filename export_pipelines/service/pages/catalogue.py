"""The catalogue: every export that the caller may see, with its last result, its next time, and a plot of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from export_pipelines.ledger import ArtifactRecord, recent_artifacts
from export_pipelines.orchestration.observed_runs import ObservedRun
from export_pipelines.service.api.definitions import Definition, list_definitions
from export_pipelines.service.pages.plots import MOST
from export_pipelines.service.pages.rendering import page
from export_pipelines.service.pages.session import SignedIn
from export_pipelines.service.service import service_of

router = APIRouter()


@dataclass(frozen=True)
class Result:
    """How an export stands: `tone` is good, bad, busy or none, for the eye; `text` says it."""

    tone: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True)
class Line:
    definition: Definition
    result: Result
    next_at: datetime | None
    rows: Sequence[int]
    last: ArtifactRecord | None


@router.get("")
def catalogue(request: Request, caller: SignedIn, find: str = "") -> Response:
    service = service_of(request)
    definitions = [
        definition
        for definition in list_definitions(request, caller)
        if find.casefold() in f"{definition.name} {definition.description}".casefold()
    ]
    written = recent_artifacts(service.project.ledger.engine, MOST)
    observed = service.observed()
    runs, times = observed.last_runs(), observed.next_times(service.project.now())
    lines = [_line(definition, written, runs, times) for definition in definitions]
    return page("catalogue.html", request, caller, lines=lines, find=find)


def _line(
    definition: Definition,
    written: Mapping[str, Sequence[ArtifactRecord]],
    runs: Mapping[str, ObservedRun],
    times: Mapping[str, datetime],
) -> Line:
    records = written.get(definition.name, ())
    last = records[-1] if records else None
    result = result_of(bool(definition.faults), last, runs.get(definition.name))
    return Line(definition, result, times.get(definition.name), [record.rows for record in records], last)


def result_of(is_broken: bool, last: ArtifactRecord | None, run: ObservedRun | None) -> Result:
    """From the newest artifact and the newest run, whichever says more."""
    if is_broken:
        return Result("bad", "its file has faults")
    if run and run.status in ("queued", "running"):
        return Result("busy", "running" if run.status == "running" else "waits to run", run.at)
    if run and run.status == "failed" and (last is None or run.at > last.created_at):
        return Result("bad", "the last run failed", run.at)
    return _result_of_artifact(last) if last else Result("none", "never ran")


def _result_of_artifact(last: ArtifactRecord) -> Result:
    if {"failed", "uncertain"} & last.missing:
        return Result("bad", "not delivered", last.created_at)
    return (
        Result("busy", "is being delivered", last.created_at)
        if last.missing
        else Result("good", "done", last.created_at)
    )
