"""1,000,000 leads from SQLite: the program's stream against the database driver alone."""

import argparse
from functools import partial

from benchmarks.harness import compare, piece
from benchmarks.stores import sample_sqlite
from benchmarks.work import WORK

LEADS = 1_000_000
BARS = {"csv.gz": "<= 1.5"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", nargs="*", default=list(WORK))
    given = arguments.parse_args()
    store = sample_sqlite(given.leads)
    work = {name: partial(piece, name, store) for name in given.work}
    compare(f"SQLite, {given.leads:,} leads", work, given.runs, BARS, tuple(given.work))


if __name__ == "__main__":
    main()
