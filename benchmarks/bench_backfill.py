"""What a backfill costs: a year of small days, and a month of large ones beside one stream over the same rows. Seconds of CPU,
user and system, of the command and what it starts: the elapsed time depends on what else the machine does."""

import argparse
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from benchmarks import stores
from benchmarks.bench_dagster import NAME, call, project
from benchmarks.harness import Judged, all_bars
from benchmarks.stores import DAYS, FIRST_DAY, fill_postgresql
from benchmarks.work import MASKED
from export_pipelines.key_versions import PREFIX
from export_pipelines_servers.postgresql import postgresql

YEAR_CPU_S, RATIO = 12, 1.25
MONTH, LEADS = 30, 10_000
LARGE = "large_days"
EXPORT = f"""\
type: lead
format: csv
compression: gzip
fields: all
limits: {{bytes: 50 GB}}
partition: daily
start: {FIRST_DAY}
{MASKED}
deliver:
  - folder: {{path: "{LARGE}/{{{{date}}}}"}}
"""
KEYS = {
    "HASH_KEY": "hash key of the benchmarks, not secret",
    "MASTER_KEY": "master key of the benchmarks, not secret",
}


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=3)
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(project(folder))
        year = statistics.median(cpu_of(lambda: fill(folder, NAME, DAYS)) for _ in range(runs))
        measured = [judged(f"{DAYS} days of 20 leads, SQLite", f"<= {YEAR_CPU_S} s of CPU", year, YEAR_CPU_S)]
        return [*measured, a_month(folder, runs)]


def a_month(folder: Path, runs: int) -> Judged:
    """Of PostgreSQL, masked, csv.gz, each day delivered to a folder."""
    (folder / "exports" / f"{LARGE}.yaml").write_text(EXPORT, encoding="utf-8")
    stores.DAYS = MONTH
    end = str(FIRST_DAY + timedelta(MONTH))
    with postgresql() as url:
        fill_postgresql(url, MONTH * LEADS)
        os.environ |= {PREFIX + name: value for name, value in {**KEYS, "SOURCE_URL": url}.items()}
        streams, backfills = [], []
        stream = ("run", LARGE, "--start", str(FIRST_DAY), "--end", end)
        for _ in range(runs):
            streams.append(cpu_of(lambda: command(folder, *stream)))
            backfills.append(cpu_of(lambda: fill(folder, LARGE, MONTH)))
    ratio = statistics.median(backfills) / statistics.median(streams)
    title = f"{MONTH} days of {LEADS:,} leads over one window, PostgreSQL"
    return judged(title, f"<= {RATIO} x the CPU", ratio, RATIO)


def fill(folder: Path, name: str, days: int) -> None:
    last = str(FIRST_DAY + timedelta(days - 1))
    command(folder, "backfill", name, "--from", str(FIRST_DAY), "--to", last, "--force")


def command(folder: Path, *arguments: str) -> None:
    """In a HOME of its own: what was delivered before is not sent again."""
    os.environ[f"{PREFIX}HOME"] = tempfile.mkdtemp(dir=folder)
    call(folder, str(Path(sys.executable).with_name("export-pipelines")), *arguments)


def cpu_of(work: Callable[[], None]) -> float:
    """Seconds of CPU of the processes that ended meanwhile."""
    before = _cpu()
    work()
    return _cpu() - before


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def judged(work: str, bar: str, measured: float, most: float) -> Judged:
    verdict = "met" if measured <= most else "missed"
    return Judged("Backfill", work, bar, f"{measured:.2f}", verdict)


if __name__ == "__main__":
    all_bars(main())
