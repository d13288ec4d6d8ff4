"""1,000,000 leads from SQLite: the program's stream against the database driver alone."""

import argparse
from functools import partial

from benchmarks.harness import Bar, Judged, all_bars, compare, piece
from benchmarks.stores import sample_sqlite
from benchmarks.work import WORK

LEADS = 1_000_000
DRIVER = "driver alone"
MANY, GROWTH = 5_000_000, 1.1
BARS = {
    "csv.gz": Bar(DRIVER, most=1.5),
    "csv.gz without statistics": Bar(
        "csv.gz", least=0.97
    ),  # what a manifest states of values costs 3 % at most
    "csv.gz masked": Bar("csv.gz", most=1.15),
    "plain csv.gz masked": Bar("plain csv.gz", most=1.15),
}


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument(
        "--many", type=int, default=MANY, help="of one run more, for its memory; 0 for none"
    )
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", nargs="*", default=list(WORK))
    options = arguments.parse_args()
    store = sample_sqlite(options.leads)
    work = {name: partial(piece, name, store) for name in options.work}
    ours = tuple(name for name in work if name != DRIVER)
    judged = compare(f"SQLite, {options.leads:,} leads", work, options.runs, BARS, ours)
    return judged + (memory(store, options.many) if options.many else [])


def memory(store: str, leads: int) -> list[Judged]:
    """The peak of many leads against that of a few."""
    few, many = piece("csv.gz", store), piece("csv.gz", sample_sqlite(leads))
    growth = many.memory_mb / few.memory_mb
    title, measured = (
        f"SQLite, {leads:,} leads",
        f"{many.memory_mb:.0f} MB, {growth:.2f} x, {many.seconds:.0f} s",
    )
    print(f"{title}: {measured}\n", flush=True)
    return [
        Judged(
            title, "csv.gz", f"<= {GROWTH} x the memory", measured, "met" if growth <= GROWTH else "missed"
        )
    ]


if __name__ == "__main__":
    all_bars(main())
