"""`demo`: sample leads, a key, the shipped examples run, and where everything is. Safe to run twice."""

import os
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.delivered import delivered_files
from export_pipelines.cli.leads import make_sample
from export_pipelines.cli.runs import run_partitions, run_window
from export_pipelines.cli.tables import show_table
from export_pipelines.errors import ExportError, RequestError, SettingsError, SourceError
from export_pipelines.project import Project

if TYPE_CHECKING:
    from export_pipelines.artifacts import Manifest
    from export_pipelines.plan.plan import Window

LEADS, DAYS, SEED, FIRST_DAY = 20_000, 60, 1, date(2024, 1, 1)
RUNS = (
    ("daily_lead_backup", "2024-01-15"),
    ("monthly_financial_summary", "2024-01-01"),
    ("pii_free_analytics", "2024-01-15"),
    ("daily_source_quality", "2024-01-15"),
    ("monthly_revenue_by_recipient", "2024-01-01"),
    ("weekly_performance_extract", "2024-01-14"),
)
BACKFILL = ("daily_lead_backup", "2024-01-07", "2024-01-13")
STREAMS, STREAM_S = ("live_recipient_events", "event_archive"), 5.0
UI, SERVICE = "http://127.0.0.1:3000", "http://127.0.0.1:3080"
KEY_LIFETIME = timedelta(days=90)


def demo(context: typer.Context) -> None:
    """Something to look at: make sample leads, run the example exports, and show what came out."""
    project = project_of(context)
    _require_examples(project)
    _make_key(project)
    _fill(project)
    manifests: list[Manifest] = []
    failed: dict[str, str] = {}
    for name, key in RUNS:
        say(f"running {name} for {key}")
        outcome = run_window(project, project.definition(name), _window(project, name, key))
        manifests += outcome.manifests
        failed |= {f"{name} {key}": text for key, text in outcome.failures.items()}
    name, first, last = BACKFILL
    say(f"backfilling {name} from {first} to {last}")
    week = run_partitions(project, project.definition(name), first, last, force=True)
    manifests += week.manifests
    failed |= {f"{name} {key}": text for key, text in week.failures.items()}
    for stream in STREAMS:
        failed |= _stream(project, stream)
    _show(project, manifests)
    _show_service(project)
    for key, text in failed.items():
        say(f"error: {key}: {text}")
    if failed:
        raise typer.Exit(1)


def _require_examples(project: Project) -> None:
    """That the examples are here, and what they deliver with."""
    from export_pipelines.delivery import Resources, open_destination

    resources = Resources(project.settings, os.environ)
    for name, _ in RUNS:
        try:
            definition = project.definition(name)
        except RequestError as error:
            raise SettingsError(
                f"the demo runs the examples that come with the project: {error}",
                where=str(project.settings.definitions),
                remedy="start it in the project's folder",
            ) from error
        for entry in definition.deliver:
            try:
                open_destination(entry, resources)
            except SettingsError as error:
                raise SettingsError(
                    f"{name} delivers to servers that have to be there: {error}",
                    where=definition.at("deliver"),
                    remedy="`make demo` starts them, and so does `make servers`",
                ) from error


def _stream(project: Project, name: str) -> dict[str, str]:
    """Runs a stream for a few seconds; its error where it fails."""
    from export_pipelines.cli.stream import LiveLine
    from export_pipelines.project_streams import run_stream

    line = LiveLine(project)
    say(f"streaming {name} for {STREAM_S:.0f} seconds")
    try:
        end = run_stream(project, name, line, STREAM_S, until_caught_up=True)
    except ExportError as error:
        return {name: str(error)}
    line.last()
    say(f"{name}: {end}; export-pipelines stream {name} goes on where it is")
    return {}


def _make_key(project: Project) -> None:
    """A key for `hash` in HOME, readable by its owner only, unless there is one."""
    from export_pipelines.files.own_keys import make_key
    from export_pipelines.key_versions import key_file

    if project.settings.hash_key.local:
        return
    path = key_file(project.settings.home, "HASH_KEY")
    if make_key(path):
        say(f"made a key for hashes in {path}")
    project.forget()


def _fill(project: Project) -> None:
    """Sample leads, into the demo's own store only: a database of the user's is never written to."""
    if project.settings.source_url.get_secret_value() != f"sqlite:///{project.settings.home / 'leads.db'}":
        say("EXPORT_PIPELINES_SOURCE_URL names the leads; no sample is made")
    elif _has_leads(project):
        say("the lead store holds leads already; they stay")
    else:
        say(f"making {LEADS:,} sample leads over {DAYS} days")
        make_sample(project, LEADS, SEED, FIRST_DAY, DAYS)


def _has_leads(project: Project) -> bool:
    from export_pipelines.plan.window import WHOLE
    from export_pipelines.read.open_source import open_source

    plan = project.plan(project.definition(RUNS[0][0]), WHOLE)
    source = open_source(project.settings.source_url.get_secret_value())
    try:
        source.check(plan.query)
    except SourceError:
        return False
    return source.count(plan.query) > 0


def _window(project: Project, name: str, key: str) -> "Window":
    from export_pipelines.plan.window import window_of

    return window_of(project.definition(name), key)


def _show(project: Project, written: Iterable["Manifest"]) -> None:
    manifests = list(written)
    files = [file for manifest in manifests for file in delivered_files(project, manifest.artifact)]
    show("\nartifacts\n")
    show_table(
        manifests, {"artifact": lambda manifest: manifest.artifact, "rows": lambda manifest: manifest.rows}
    )
    show("\nfiles delivered\n")
    show_table(files, {"file": str})
    show(f"\nTo see the runs, plots and schedules in Dagster: make ui, then open {UI}")
    show("To export another day: make servers, and in another terminal")
    show("    . .venv/bin/activate && . .export_pipelines/servers/env")
    show("    export-pipelines run daily_lead_backup --partition 2024-01-20")


def _show_service(project: Project) -> None:
    """Where exports are over HTTP, with a key; what access.yaml guards gets its keys from an admin."""
    import secrets

    from export_pipelines.access.keys import RANDOM_BYTES
    from export_pipelines.ledger import ApiKeys
    from export_pipelines.ledger.api_keys import OPERATOR

    if project.access.read() is not None:
        return
    random = secrets.token_bytes(RANDOM_BYTES)
    key = ApiKeys(project.ledger.engine).new(OPERATOR, KEY_LIFETIME, project.now(), random)
    show(
        f"\nTo see and fetch exports over HTTP: make ui, then {SERVICE}, with this key, which is not shown again"
    )
    show(f"    {key}")
    show(f"    curl -u API:{key} {SERVICE}/exports")
