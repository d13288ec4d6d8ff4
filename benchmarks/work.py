"""The pieces of work that are timed, each run as `python -m benchmarks.work NAME STORE_URL` in a process of its own."""

import json
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import open_store
from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.window import window_between, window_of
from export_pipelines.project import Project
from export_pipelines.read.open_source import open_source
from export_pipelines.read.source import Source
from export_pipelines.run.column_statistics import ColumnMeasures

EXPORT = """\
type: lead
format: {format}
fields: {fields}
compression: {codec}
limits: {{bytes: 50 GB}}
{privacy}
"""
PLAIN = (  # columns of the table of leads itself; `all` has those of three others and paths into JSON besides
    "[lead_id, reference, submitted_at, flow.id, source.id, recipient.id, landing_page, user_agent, ip_address, first_name, "
    "last_name, email, phone_1, dob, address_1, city, state, postal_code, outcome, reason, price, purchase_price, custom, "
    "appended]"
)
MASKED = "privacy: {email: hash, phone_1: mask, last_name: tokenize, direct: redact, sensitive: redact, indirect: redact}"
KEYS = Keys.from_bytes(b"hash key of the benchmarks, not secret", b"master key of the benchmarks, not secret")
SMALL_DAY = "2023-03-01"
WORK = {
    "driver alone": ("csv", "gzip", "all", ""),
    "csv.gz": ("csv", "gzip", "all", ""),
    "csv.gz without statistics": ("csv", "gzip", "all", ""),
    "json.gz": ("json", "gzip", "all", ""),
    "csv.gz masked": ("csv", "gzip", "all", MASKED),
    "parquet zstd": ("parquet", "zstd", "all", ""),
    "plain csv.gz": ("csv", "gzip", PLAIN, ""),
    "plain csv.gz masked": ("csv", "gzip", PLAIN, MASKED),
    "plain json.gz": ("json", "gzip", PLAIN, ""),
}


def main() -> None:
    name, url = sys.argv[1:]
    if name in DAYS:
        print(json.dumps({"seconds": DAYS[name](Path(url)), "memory_mb": peak_mb()}))
        return
    name, _, connections = name.partition(" over ")
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_of(name, Path(folder), url.partition(":")[0].partition("+")[0])
        source = open_source(url, int(connections or 1))  # imports its driver
        if name.endswith("without statistics"):
            ColumnMeasures.add = _nothing  # type: ignore[assignment, method-assign]
        began = time.perf_counter()
        size = fetch(plan, url) if name == "driver alone" else export(plan, source, Path(folder))
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "memory_mb": peak_mb(), "bytes": size}))


def _nothing(measures: ColumnMeasures, frame: object) -> None:
    """Measures nothing of a frame."""


def peak_mb() -> float:
    """The most memory that this process ever held; what the system tells of a child counts its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def plan_of(name: str, folder: Path, dialect: str) -> Plan:
    form, codec, fields, privacy = WORK[name]
    path = folder / "bench.yaml"
    path.write_text(EXPORT.format(format=form, codec=codec, fields=fields, privacy=privacy), encoding="utf-8")
    catalog = load_catalog(None)
    window = window_between(datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
    return compile_plan(PlanRequest(load_definition(path, catalog), window, catalog, dialect, KEYS.names))


def fetch(plan: Plan, url: str) -> int:
    """The driver alone: the same SELECT, its batches thrown away."""
    import adbc_driver_sqlite.dbapi as adbc

    query, size = plan.query, 0
    path = url.removeprefix("sqlite:///")
    texts = ", ".join("''" for _ in query.columns)
    with adbc.connect(f"file:{path}?mode=ro") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {texts} UNION ALL SELECT * FROM ({query.sql} LIMIT -1)", query.values)
        for batch in cursor.fetch_record_batch():
            size += batch.nbytes
    return size


def export(plan: Plan, source: Source, folder: Path) -> int:
    """The whole way: count, read, mask, encode, compress, store, commit."""
    store = open_store(str(folder / "store"))
    context = RunContext(source, store, KEYS, lambda: datetime.now(UTC))
    manifest = run_export(plan, context, "20240101T000000Z-abcdef")
    return manifest.bytes


def a_day(folder: Path) -> float:
    """One small day of the project in `folder`, without Dagster, to a store of its own: the project's has no artifact that its
    ledger does not know."""
    project, definition = _small_days(folder)
    plan = project.plan(definition, window_of(definition, SMALL_DAY))
    with tempfile.TemporaryDirectory(dir=folder) as store:
        context = replace(project.run_context(), store=open_store(store))
        began = time.perf_counter()
        run_export(plan, context, project.new_token())
        return time.perf_counter() - began


def a_day_through_dagster(folder: Path) -> float:
    """The same as a run on the project's instance, recorded and delivered."""
    from export_pipelines.orchestration import launch, open_instance

    project, definition = _small_days(folder)
    with open_instance(project.settings, folder) as instance:
        began = time.perf_counter()
        done = launch(project, definition.name, instance=instance, partition_key=SMALL_DAY)
        assert done.ok
        return time.perf_counter() - began


def _small_days(folder: Path) -> tuple[Project, Any]:
    project = Project.open(folder)
    (definition,) = project.loaded.definitions
    return project, definition


DAYS = {"a day, stream alone": a_day, "a day through Dagster": a_day_through_dagster}


if __name__ == "__main__":
    main()
