"""`plan` and `preview`: what a run would do, and the first rows as it would write them."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.set import Set, overrides
from export_pipelines.cli.tables import Json, show_json, show_rows
from export_pipelines.cli.windows import End, Partition, Start, window_asked
from export_pipelines.estimate import Estimate, estimate
from export_pipelines.listings import contract_listing
from export_pipelines.project import Project
from export_pipelines.quantities import counted, size

if TYPE_CHECKING:
    from export_pipelines.access import Permission
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.plan.plan import Plan, Window
    from export_pipelines.read.source import Source

PREVIEW_ROWS = 20
Name = Annotated[str, typer.Argument(help="The export's name, which is its file's.", show_default=False)]


def plan(
    context: typer.Context,
    name: Name,
    partition: Partition = None,
    start: Start = None,
    end: End = None,
    set: Set = None,
    asker: As = None,
    json: Json = False,
) -> None:
    """What a run would do: SQL, columns with types and masks, files, destinations, rows and bytes; of a stream, how new rows
    are found."""
    from export_pipelines.artifacts.contract import broken, compared
    from export_pipelines.ledger import AuditAction
    from export_pipelines.plan.describe import describe
    from export_pipelines.plan.fingerprint import fingerprint

    if (named := project_of(context).definition(name)).stream:
        _show_stream(asking(context, asker), named, json)
        return
    project, definition, window = _asked(context, asker, name, partition, start, end, set)
    with project.recording(AuditAction.PLAN, definition, window) as detail:
        window_plan, source = checked_plan(project, definition, window, "view")
        expected = estimate(window_plan, source, project.settings)
        reading = _reading(window_plan, project)
        comparison = compared(window_plan, project.store)
        detail |= {"type": window_plan.type, "sha256": fingerprint(window_plan).partition(":")[2]}
    if json:
        content = {"plan": window_plan.model_dump(mode="json"), "fingerprint": fingerprint(window_plan)}
        content |= expected.as_dict() | ({"reading": reading} if reading else {})
        show_json({**content, "contract": contract_listing(window_plan, comparison)})
        return
    show(describe(window_plan))
    show(f"contract     {window_plan.contract}, version {window_plan.version}, {comparison.text}")
    for line in (*_expected(window_plan, expected), *([f"reading      {reading}"] if reading else [])):
        show(line)
    fault = broken(window_plan, comparison)
    if fault:
        say(f"warning: a run would be refused: {fault}")


def _reading(plan: "Plan", project: Project) -> str:
    """Over how many connections a run reads the rows, and why; empty where the settings allow one."""
    allowed = project.settings.source_connections
    if allowed == 1:
        return ""
    cut, key = project.source().cut(plan.query), plan.query.range_key
    if key and cut.ranges:
        return f"{allowed} connections, in ranges of {key.field}"
    return f"one connection: {'a report is one query' if plan.report else cut.reason}"


def _show_stream(project: Project, definition: "ExportDefinition", json: bool) -> None:
    from export_pipelines.ledger import AuditAction
    from export_pipelines.plan.describe import describe_stream
    from export_pipelines.project_streams import prepared

    trail, name = project.trail, definition.name
    with trail.recording(AuditAction.PLAN, name, project.asker, definition.owner):
        stream = prepared(project, name, permission="view")
    if json:
        mechanism = {"name": stream.mechanism.name, "settle_s": stream.mechanism.settle_s}
        show_json({"plan": stream.plan.model_dump(mode="json"), "new_rows": mechanism})
        return
    about = (
        f"new rows     by {stream.mechanism.name}: {stream.mechanism.reason}",
        f"begins       at {stream.stream.start}, unless it ran before",
        f"records to   {stream.stream.kind} {stream.stream.sink.reaches()}, at least once each, with its id",
    )
    show(describe_stream(stream.plan, about))


def preview(
    context: typer.Context,
    name: Name,
    partition: Partition = None,
    start: Start = None,
    end: End = None,
    set: Set = None,
    asker: As = None,
    json: Json = False,
) -> None:
    """The first 20 rows as a run would write them, masked; nothing is written."""
    from export_pipelines.ledger import AuditAction
    from export_pipelines.mask.keys import Keys
    from export_pipelines.run.preview import preview as first_rows

    project, definition, window = _asked(context, asker, name, partition, start, end, set)
    with project.recording(AuditAction.PREVIEW, definition, window) as detail:
        window_plan, source = checked_plan(project, definition, window)
        with closing(source.read(window_plan.query)) as batches:  # type: ignore[type-var]
            rows = first_rows(window_plan, batches, Keys.of(project.settings), PREVIEW_ROWS)
        detail |= {"type": window_plan.type, "rows": len(rows.rows)}
    if json:
        show_json([dict(zip(rows.headers, row, strict=True)) for row in rows.rows])
        return
    show_rows(rows.headers, rows.rows, f"no rows in window {window_plan.extract.window.key}")
    say(
        f"{counted(len(rows.rows), 'row')} of window {window_plan.extract.window.key}, as they would be written"
    )


def checked_plan(
    project: Project, definition: "ExportDefinition", window: "Window", permission: "Permission" = "create"
) -> "tuple[Plan, Source]":
    """The plan of one window, and its source once it is known to hold what the plan reads. Raises RequestError."""
    window_plan = project.plan(definition, window, permission)
    source = project.source()
    source.check(window_plan.query)
    return window_plan, source


def _asked(
    context: typer.Context,
    asker: str | None,
    name: str,
    partition: str | None,
    start: str | None,
    end: str | None,
    set: list[str] | None,
) -> "tuple[Project, ExportDefinition, Window]":
    """What the options of a command ask for."""
    project = asking(context, asker)
    definition = project.definition(name, overrides(set))
    window = window_asked(project, definition, partition, start, end)
    return project, definition, window


def _expected(plan: "Plan", expected: Estimate) -> Iterable[str]:
    yield f"rows         {'at most ' if expected.at_most else ''}{expected.rows:,}"
    if expected.rows:
        about = "at most " if expected.at_most else "" if expected.exact else "about "
        yield (
            f"bytes        {about}{size(expected.bytes)} ({about}{size(expected.raw_bytes)} before compression)"
            + ("" if expected.exact else f", from {counted(expected.sample_rows, 'row')}")
        )
    yield from _beyond(plan, expected)


def _beyond(plan: "Plan", expected: Estimate) -> Iterator[str]:
    output = plan.output
    if expected.at_most and (expected.rows > output.max_rows or expected.raw_bytes > output.max_bytes):
        yield "             which may be more than the limits: a run would stop, and keep nothing"
    elif expected.rows > output.max_rows:
        yield f"             more than the limit of {output.max_rows:,} rows: a run would be refused"
    elif expected.raw_bytes > output.max_bytes:
        yield f"             more than the limit of {size(output.max_bytes)}: a run would stop"
