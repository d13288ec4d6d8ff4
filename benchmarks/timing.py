"""What every benchmark prints: medians of wall seconds, the ratio to the driver alone, the largest memory, the bars.
Runs are interleaved, each in a process of its own; its memory is what the system says of it."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.work import WORK

LEADS, DAYS, SEED = 1_000_000, 365, 7
FIRST_DAY = date(2023, 1, 1)
MEMORY_BAR_MB = 400


def asked(description: str | None) -> argparse.Namespace:
    """`leads`, `runs` and `work`."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", nargs="*", default=list(WORK))
    return arguments.parse_args()


def compare(given: argparse.Namespace, store: str, bars: Mapping[str, float]) -> None:
    """Times the work on the store at this URL; the first piece of work is what the others are held against."""
    seconds: dict[str, list[float]] = {name: [] for name in given.work}
    memory: dict[str, float] = dict.fromkeys(given.work, 0.0)
    size: dict[str, int] = {}
    for _ in range(given.runs):
        for name in given.work:
            result = measured(name, store)
            seconds[name].append(result["seconds"])
            memory[name] = max(memory[name], result["memory_mb"])
            size[name] = result["bytes"]
    print(
        f"{given.leads:,} leads, {given.runs} interleaved runs, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    )
    print("| work | seconds | ratio | bar | peak MB | MB written |\n|---|---|---|---|---|---|")
    base = statistics.median(seconds[given.work[0]])
    for name in given.work:
        median = statistics.median(seconds[name])
        bar = f"<= {bars[name]}" if name in bars else ""
        print(
            f"| {name} | {median:.2f} | {median / base:.2f} | {bar} | {memory[name]:.0f} | {size[name] / 1e6:.0f} |"
        )
    over = [name for name in given.work if memory[name] > MEMORY_BAR_MB]
    print(f"memory bar: {MEMORY_BAR_MB} MB" + (f"; over it: {', '.join(over)}" if over else ", held by all"))


def measured(name: str, store: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.work", name, store],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
