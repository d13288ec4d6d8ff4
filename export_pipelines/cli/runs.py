"""`run` and `backfill`: exports run by Dagster, in this process, on the instance that the UI shows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.context import on_terminal, say, show
from export_pipelines.cli.delivered import delivered_files
from export_pipelines.cli.plans import Name, checked_plan
from export_pipelines.cli.progress import Partitions, Rows, progress_bar
from export_pipelines.cli.set import Set, overrides
from export_pipelines.cli.tables import Json, show_json
from export_pipelines.cli.windows import End, Partition, Start, window_asked
from export_pipelines.errors import faults_in
from export_pipelines.project import Project
from export_pipelines.quantities import counted, size

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from export_pipelines.artifacts import Manifest
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.orchestration import Backfill, Outcome
    from export_pipelines.plan.plan import Window

First = Annotated[str, typer.Option("--from", metavar="KEY", help="The first partition.", show_default=False)]
Last = Annotated[
    str, typer.Option("--to", metavar="KEY", help="The last partition, included.", show_default=False)
]

Force = Annotated[bool, typer.Option("--force", help="Run partitions again that are done.")]
MaxWorkers = Annotated[
    int,
    typer.Option(
        "--max-workers", metavar="N", min=1, help="Processes that run ranges of partitions side by side."
    ),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full", help="All rows, of an export in `mode: changes`; the next run tells what changed since."
    ),
]
Now = Annotated[bool, typer.Option("--now", help="Run outside of the export's quiet hours, too.")]


def run(
    context: typer.Context,
    name: Name,
    partition: Partition = None,
    start: Start = None,
    end: End = None,
    set: Set = None,
    asker: As = None,
    now: Now = False,
    full: Full = False,
    json: Json = False,
) -> None:
    """Export one window: the partition named, or from --start to --end, or the last complete one."""
    project = asking(context, asker)
    definition = project.definition(name, overrides(set))
    window = window_asked(project, definition, partition, start, end)
    outcome = run_window(project, definition, window, own_window=start is not None, any_hour=now, full=full)
    _show(project, outcome.manifests, outcome.failures, json)
    for text in outcome.failures.values():
        _tell(text)
    _tell_kept(outcome.manifests, outcome.failures)
    raise typer.Exit(outcome.exit_code)


def backfill(
    context: typer.Context,
    name: Name,
    first: First,
    last: Last,
    force: Force = False,
    max_workers: MaxWorkers = 1,
    asker: As = None,
    now: Now = False,
    json: Json = False,
) -> None:
    """Export every partition from one to another that is not done; one that fails does not stop the others."""
    project = asking(context, asker)
    definition = project.definition(name)
    done = run_partitions(project, definition, first, last, force, any_hour=now, max_workers=max_workers)
    _show(project, done.manifests, done.failures, json)
    if done.skipped:
        say(f"skipped {counted(len(done.skipped), 'partition')}, done before (--force does them again)")
    if done.left:
        say(
            f"error: the quiet hours ended; left are {counted(len(done.left), 'partition')}, from {done.left[0]}: "
            "the same command goes on with them"
        )
    for key, text in done.failures.items():
        _tell(text, f"{key}: ")
    _tell_kept(done.manifests, done.failures)
    if done.failures:
        total = len({manifest.window.key for manifest in done.manifests} | set(done.failures))
        failed = ", ".join(done.failures)
        say(f"error: {len(done.failures)} of {counted(total, 'partition')} failed: {failed}")
    raise typer.Exit(done.exit_code)


def run_window(
    project: Project,
    definition: "ExportDefinition",
    window: "Window",
    own_window: bool = False,
    any_hour: bool = False,
    full: bool = False,
) -> "Outcome":
    """Runs one window; `own_window` says that it is none of the export's partitions, `any_hour` goes over quiet hours, `full`
    asks for a full set.

    Raises RequestError, before Dagster hears of it, for what can be known to be wrong.
    """
    checked_plan(project, definition, window)
    if full:
        from export_pipelines.plan.changes import require_changes

        require_changes(definition)
    from export_pipelines.orchestration import launch

    whole = definition.partition is not None and not own_window
    with (
        instance_of(project) as instance,
        progress_bar(f"{definition.name} {window.key}, rows", None) as progress,
    ):
        return launch(
            project,
            definition.name,
            instance=instance,
            partition_key=window.key if whole else None,
            window=None if whole else window,
            overrides=definition.overrides,
            any_hour=any_hour,
            full=full,
            observer=Rows(progress),
        )


def run_partitions(
    project: Project,
    definition: "ExportDefinition",
    first: str,
    last: str,
    force: bool = False,
    any_hour: bool = False,
    max_workers: int = 1,
) -> "Backfill":
    """Runs the partitions from `first` to `last`, both included. Raises RequestError before the first run."""
    from export_pipelines.plan.window import window_of

    checked_plan(project, definition, window_of(definition, first))
    from export_pipelines.orchestration import backfill as fill
    from export_pipelines.orchestration.backfill import keys_between

    keys = keys_between(definition, first, last, project.now())
    with (
        instance_of(project) as instance,
        progress_bar(f"{definition.name}, partitions", len(keys)) as progress,
    ):
        partitions = Partitions(keys, progress)
        return fill(
            project,
            definition.name,
            first,
            last,
            instance=instance,
            force=force,
            any_hour=any_hour,
            observer=partitions,
            max_workers=max_workers,
            behind=partitions.leave,
        )


@contextmanager
def instance_of(project: Project) -> Iterator["DagsterInstance"]:
    """Dagster's instance of the project, open for the block."""
    if on_terminal():
        say("starting Dagster ...")
    from export_pipelines.orchestration import open_instance

    with open_instance(project.settings, project.root, project.environment) as instance:
        yield instance


def _show(project: Project, manifests: Sequence["Manifest"], failures: Mapping[str, str], json: bool) -> None:
    from export_pipelines.listings import artifact_listing

    if json:
        show_json(
            {"artifacts": [artifact_listing(manifest) for manifest in manifests], "failures": dict(failures)}
        )
        return
    store = project.store
    for manifest in manifests:
        show(f"{manifest.artifact}: {counted(manifest.rows, 'row')}, {size(manifest.bytes)}")
        if manifest.changes:
            show(f"  {manifest.changes.text}")
        for field, count in manifest.bad_json.items():
            show(f"  {field}: {counted(count, 'value')} of JSON that did not parse became null")
        for place in [*delivered_files(project, manifest.artifact)] or [store.location(manifest.artifact)]:
            show(f"  {place}")


def _tell_kept(manifests: Sequence["Manifest"], failures: Mapping[str, str]) -> None:
    if manifests and failures:
        say(
            "what was written is kept: `export-pipelines deliveries` tells what has not arrived, and when it is tried again, "
            "`export-pipelines deliver ARTIFACT` sends it now"
        )


def _tell(text: str, before: str = "") -> None:
    for fault in faults_in(text):
        say(f"error: {before}{fault}")
