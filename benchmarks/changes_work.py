"""The pieces of work of bench_changes, each run as `python -m benchmarks.changes_work NAME STORE_URL FOLDER` in a process of
its own; artifacts and ledger are in FOLDER."""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.work import KEYS, peak_mb
from export_pipelines.artifact_of_run import RunContext
from export_pipelines.artifacts import open_store
from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.ledger import open_ledger
from export_pipelines.pipeline import write_window
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.window import WHOLE
from export_pipelines.read.open_source import open_source

EXPORT = "type: lead\nformat: csv\nfields: all\ncompression: gzip\nlimits: {{bytes: 50 GB}}\nmode: {mode}\n"
MODES = {"full csv.gz": "full", "first set": "changes", "changes csv.gz": "changes"}


def main() -> None:
    name, url, folder = sys.argv[1:]
    print(json.dumps(run(name, url, Path(folder))))


def run(name: str, url: str, folder: Path) -> Mapping[str, float]:
    """A run in the mode of the piece `name`: wall and CPU seconds, without the start of Python."""
    path = folder / "bench.yaml"
    path.write_text(EXPORT.format(mode=MODES[name]), encoding="utf-8")
    catalog = load_catalog(None)
    plan = compile_plan(PlanRequest(load_definition(path, catalog), WHOLE, catalog, "sqlite", KEYS.names))
    source, ledger = open_source(url), open_ledger(f"sqlite:///{folder / 'ledger.db'}")
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        store = open_store(str(folder / "store" if plan.changes else aside))
        context = RunContext(source, store, KEYS, _now)
        began, worked = time.perf_counter(), time.process_time()
        manifest, _ = write_window(plan, context, ledger, _now().strftime("%Y%m%dT%H%M%SZ-abcdef"))
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    if manifest.changes:
        print(manifest.changes.text, file=sys.stderr)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "memory_mb": peak_mb(), "bytes": manifest.bytes}


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
