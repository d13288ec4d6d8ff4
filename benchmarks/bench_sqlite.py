"""1,000,000 leads from SQLite: the program's stream against the database driver alone, runs interleaved.

Prints medians of wall seconds, the ratio to the driver, and the largest memory of the process, with the bars.
Each run is a process of its own; its memory is what the system says of it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.work import WORK

LEADS, DAYS, SEED = 1_000_000, 365, 7
FIRST_DAY = date(2023, 1, 1)
BARS = {"csv.gz": 1.5}
MEMORY_BAR_MB = 400


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", nargs="*", default=list(WORK))
    given = arguments.parse_args()
    store = sample_store(given.leads)
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
        bar = f"<= {BARS[name]}" if name in BARS else ""
        print(
            f"| {name} | {median:.2f} | {median / base:.2f} | {bar} | {memory[name]:.0f} | {size[name] / 1e6:.0f} |"
        )
    over = [name for name in given.work if memory[name] > MEMORY_BAR_MB]
    print(f"memory bar: {MEMORY_BAR_MB} MB" + (f"; over it: {', '.join(over)}" if over else ", held by all"))


def sample_store(leads: int) -> str:
    """The URL of a store of that size, made at the first call and kept."""
    from export_pipelines.sample import generate_leads
    from export_pipelines.settings import project_settings

    folder = project_settings().home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"leads_{leads}.db"
    if not path.exists():
        print(f"making {leads:,} leads in {path} ...", flush=True)
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        generate_leads(f"sqlite:///{making}", leads, SEED, FIRST_DAY, DAYS)
        making.rename(path)
    return f"sqlite:///{path}"


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


if __name__ == "__main__":
    main()
