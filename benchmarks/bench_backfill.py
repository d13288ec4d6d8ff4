"""What a backfill costs: a year of small days, and a month of large ones beside one stream over the same rows. Seconds of CPU,
user and system, are those of the command and what it starts: the elapsed time depends on what else the machine does."""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks import stores
from benchmarks.bench_dagster import NAME, call, project
from benchmarks.harness import MEMORY_BAR_MB, PROGRAM, Judged, Result, all_bars
from benchmarks.stores import DAYS, FIRST_DAY, fill_postgresql
from benchmarks.ui_backfill import backfill_of_ui
from benchmarks.work import MASKED
from export_pipelines.key_versions import PREFIX
from export_pipelines_servers.postgresql import postgresql

YEAR_CPU_S, RATIO, SHARE, OF_UI = 12, 1.25, 0.5, 1.5
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
    arguments.add_argument("--days", type=int, default=MONTH, help=f"large days, of {LEADS:,} leads")
    arguments.add_argument(
        "--before", type=Path, help="`export-pipelines` of an older build, beside this one"
    )
    arguments.add_argument("--large-alone", action="store_true", help="without the year of small days")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(project(folder))
        measured = [] if options.large_alone else [a_year(folder, options.runs)]
        return [*measured, *large_days(folder, options.runs, options.days, options.before)]


def a_year(folder: Path, runs: int) -> Judged:
    command = (PROGRAM, *backfill(NAME, DAYS))
    year = statistics.median(anew(folder, lambda: call(folder, *command)).cpu_s for _ in range(runs))
    return judged(f"{DAYS} days of 20 leads, SQLite", f"<= {YEAR_CPU_S} s of CPU", year, YEAR_CPU_S)


def large_days(folder: Path, runs: int, days: int, before: Path | None) -> list[Judged]:
    """Of PostgreSQL, masked, csv.gz, each day delivered to a folder."""
    (folder / "exports" / f"{LARGE}.yaml").write_text(EXPORT, encoding="utf-8")
    stores.DAYS = days
    end = str(FIRST_DAY + timedelta(days))
    keys = [str(FIRST_DAY + timedelta(day)) for day in range(days)]
    one_window = (PROGRAM, "run", LARGE, "--start", str(FIRST_DAY), "--end", end)
    work: dict[str, Callable[[], Result]] = {
        "one window": lambda: call(folder, *one_window),
        "backfill": lambda: call(folder, PROGRAM, *backfill(LARGE, days)),
        "backfill of the UI": lambda: backfill_of_ui(folder, LARGE, keys),
    }
    if before:
        work["backfill of before"] = lambda: call(folder, str(before), *backfill(LARGE, days))
    results: dict[str, list[Result]] = {name: [] for name in work}
    with postgresql() as url:
        fill_postgresql(url, days * LEADS)
        os.environ |= {PREFIX + name: value for name, value in {**KEYS, "SOURCE_URL": url}.items()}
        for _ in range(runs):
            for name, run in work.items():
                results[name].append(anew(folder, run))
    title = f"{days} days of {LEADS:,} leads, PostgreSQL"
    return compared(title, results)


def compared(title: str, results: Mapping[str, Sequence[Result]]) -> list[Judged]:
    seconds = {name: statistics.median(each.seconds for each in runs) for name, runs in results.items()}
    cpu = {name: statistics.median(each.cpu_s for each in runs) for name, runs in results.items()}
    peaks = {name: max(each.memory_mb for each in runs) for name, runs in results.items()}
    print(f"{title}; medians of interleaved runs\n| work | seconds | s of CPU | peak MB |\n|---|---|---|---|")
    for name in results:
        print(f"| {name} | {seconds[name]:.1f} | {cpu[name]:.1f} | {peaks[name]:.0f} |")
    print("", flush=True)
    of_cpu, of_time = cpu["backfill"] / cpu["one window"], seconds["backfill"] / seconds["one window"]
    of_ui = seconds["backfill of the UI"] / seconds["backfill"]
    measured = [
        judged(title, f"<= {RATIO} x the CPU of one window", of_cpu, RATIO),
        judged(title, f"<= {RATIO} x the time of one window", of_time, RATIO),
        judged(title, f"<= {MEMORY_BAR_MB} MB", peaks["backfill"], MEMORY_BAR_MB),
        judged(title, f"<= {OF_UI} x the command's time in the UI", of_ui, OF_UI),
    ]
    if "backfill of before" in seconds:
        share = seconds["backfill"] / seconds["backfill of before"]
        measured.append(judged(title, f"<= {SHARE} x the time of before", share, SHARE))
    return measured


def backfill(name: str, days: int) -> tuple[str, ...]:
    last = str(FIRST_DAY + timedelta(days - 1))
    return ("backfill", name, "--from", str(FIRST_DAY), "--to", last, "--force")


def anew(folder: Path, run: Callable[[], Result]) -> Result:
    """In a HOME of its own, without what was written and delivered before. It goes with `folder`: for each new file ext4 goes
    through what was deleted in the last minutes."""
    os.environ[f"{PREFIX}HOME"] = tempfile.mkdtemp(dir=folder)
    return run()


def judged(work: str, bar: str, measured: float, most: float) -> Judged:
    verdict = "met" if measured <= most else "missed"
    return Judged("Backfill", work, bar, f"{measured:.2f}", verdict)


if __name__ == "__main__":
    all_bars(main())
