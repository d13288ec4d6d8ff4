"""What has changed of 1,000,000 leads, of which 1 % did: time and bytes against those of a full export."""

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.harness import ROOT, Bar, Judged, Result, all_bars, compare
from benchmarks.stores import sample_sqlite

LEADS = 1_000_000
FULL, FIRST, CHANGES = "full csv.gz", "first set", "changes csv.gz"
BARS = {CHANGES: Bar(FULL, most=1.3)}
MOST_BYTES = 0.05  # of those of the full export


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument(
        "--cpu", action="store_true", help="compare seconds of CPU, where others use it too"
    )
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = f"sqlite:///{shutil.copy(sample_sqlite(options.leads).removeprefix('sqlite:///'), home)}"
        timed = partial(piece, url, home, options.cpu)
        first = timed(FIRST)
        print(f"the first set: {first.seconds:.2f} s, {first.memory_mb:.0f} MB", flush=True)
        change(url)
        kept = partial(_again, home, timed)
        work = {FULL: partial(timed, FULL), CHANGES: kept}
        title = f"changes of {options.leads:,} leads{', seconds of CPU' if options.cpu else ''}"
        judged = compare(title, work, options.runs, BARS, (CHANGES,))
        return [*judged, _bytes(title, timed(FULL), kept())]


def change(url: str) -> None:
    """Of each 1,000 leads 6 are changed, 2 go and 2 come."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as store, store:
        store.execute("UPDATE leads SET price = coalesce(price, 0) + 1 WHERE rowid % 1000 < 6")
        columns = ", ".join(
            name for _, name, *_ in store.execute("PRAGMA table_info(leads)") if name != "lead_id"
        )
        store.execute(
            f"INSERT INTO leads (lead_id, {columns}) SELECT 'ffff' || substr(lead_id, 5), {columns} FROM leads "
            "WHERE rowid % 1000 IN (10, 11)"
        )
        store.execute("DELETE FROM leads WHERE rowid % 1000 IN (20, 21)")


def piece(url: str, folder: Path, cpu: bool, name: str) -> Result:
    """A piece of benchmarks.changes_work."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.changes_work", name, url, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    seconds = measured["cpu_seconds"] if cpu else measured["seconds"]
    return Result(seconds, measured["memory_mb"], int(measured["bytes"]))


def _again(folder: Path, timed: "partial[Result]") -> Result:
    """The changes since the first set, each time anew."""
    kept = folder / "kept"
    if not kept.exists():
        kept.mkdir()
        shutil.copytree(folder / "store", kept / "store")
        shutil.copy(folder / "ledger.db", kept)
    shutil.rmtree(folder / "store")
    shutil.copytree(kept / "store", folder / "store")
    shutil.copy(kept / "ledger.db", folder)
    return timed(CHANGES)


def _bytes(title: str, full: Result, changes: Result) -> Judged:
    share = changes.bytes / full.bytes
    measured = f"{changes.bytes:,} of {full.bytes:,} bytes, {share:.1%}"
    print(f"{title}: {measured}\n", flush=True)
    verdict = "met" if share <= MOST_BYTES else "missed"
    return Judged(title, CHANGES, f"<= {MOST_BYTES:.0%} of the bytes", measured, verdict)


if __name__ == "__main__":
    all_bars(main())
