"""What Dagster costs: one partition through it against the stream alone, and a year of small days against as many runs."""

import argparse
import os
import shutil
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.harness import PROGRAM, ROOT, Bar, Judged, Result, all_bars, compare, piece, program
from benchmarks.stores import DAYS, FIRST_DAY, SEED
from export_pipelines.key_versions import PREFIX
from export_pipelines.sample import generate_leads

LEADS_A_DAY, SINGLE_RUNS, MOST = 20, 10, 0.1
NAME = "small_days"
EXPORT = f"""\
type: lead
format: csv
fields: [lead_id, submitted_at, email, state, revenue]
partition: daily
start: {FIRST_DAY}
deliver:
  - folder: {{path: "{NAME}/{{{{date}}}}"}}
"""


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(project(folder))
        work = {
            title: partial(piece, title, str(folder))
            for title in ("a day, stream alone", "a day through Dagster")
        }
        bars = {"a day through Dagster": Bar("a day, stream alone", later=1)}
        return [*compare("Dagster's own time", work, options.runs, bars, ()), a_year(folder)]


def project(folder: Path) -> dict[str, str]:
    """A project with one export over a year of small days; the variables that name its places."""
    (folder / "exports").mkdir()
    (folder / "exports" / f"{NAME}.yaml").write_text(EXPORT, encoding="utf-8")
    shutil.copy(ROOT / "dagster.yaml", folder)
    url = f"sqlite:///{folder / 'leads.db'}"
    generate_leads(url, LEADS_A_DAY * DAYS, SEED, FIRST_DAY, DAYS)
    return {"DAGSTER_HOME": str(folder), f"{PREFIX}HOME": str(folder / "home"), f"{PREFIX}SOURCE_URL": url}


def a_year(folder: Path) -> Judged:
    keys = [str(FIRST_DAY + timedelta(day)) for day in range(DAYS)]
    runs = [
        call(folder, PROGRAM, "run", NAME, "--partition", key)
        for key in keys[:: DAYS // SINGLE_RUNS][:SINGLE_RUNS]
    ]
    whole = call(folder, PROGRAM, "backfill", NAME, "--from", keys[0], "--to", keys[-1], "--force").seconds
    again = call(folder, PROGRAM, "backfill", NAME, "--from", keys[0], "--to", keys[-1]).seconds
    single = statistics.median(run.seconds for run in runs) * DAYS
    print(f"{DAYS} days of {LEADS_A_DAY} leads, each command a process, {datetime.now(UTC):%Y-%m-%d}")
    print("| work | seconds | ratio | limit |\n|---|---|---|---|")
    print(f"| {DAYS} single runs, from {SINGLE_RUNS} | {single:.0f} | 1.00 | |")
    print(f"| one backfill | {whole:.0f} | {whole / single:.3f} | <= {MOST} |")
    print(f"| the same backfill again, all done | {again:.0f} | {again / single:.3f} | |\n", flush=True)
    verdict = "met" if whole <= MOST * single else "missed"
    return Judged(
        "Dagster's own time",
        f"{DAYS} small days in one backfill",
        f"<= {MOST} x as many runs",
        f"{whole / single:.3f} x",
        verdict,
    )


def call(folder: Path, *command: str) -> Result:
    here = Path.cwd()
    os.chdir(folder)
    try:
        return program(*command)
    finally:
        os.chdir(here)


if __name__ == "__main__":
    all_bars(main())
