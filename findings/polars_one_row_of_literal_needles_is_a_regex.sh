#!/usr/bin/env bash
# Polars 2.1.0: `str.contains(needles, literal=True)` with a column of needles gives another result for a frame of one row
# than for a longer one: the needle of a single row is taken for a scalar, goes through the regular expression engine
# although it is a literal, and from some hundred thousand plain letters on raises ComputeError for the size of the
# compiled expression (10 MiB). With two rows of the same values it is searched for as it is.
# So code that works on batches fails on the batch that happens to hold one row.
# Seen: the three lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'polars==2.1.0'
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import polars as pl

def contains(letters, rows):
    frame = pl.DataFrame({"text": ["x" * letters + "y"] * rows, "needle": ["x" * letters] * rows})
    try:
        return frame.select(pl.col("text").str.contains(pl.col("needle"), literal=True)).to_series().all()
    except pl.exceptions.ComputeError as error:
        return "ComputeError " + str(error).splitlines()[0]

print("contains, 1,000 letters:", contains(1_000, 1))
print("contains, 500,000 letters:", contains(500_000, 1))
print("contains by a column of two needles, 500,000 letters:", contains(500_000, 2))
P
diff "$folder/seen" - <<'SEEN'
contains, 1,000 letters: True
contains, 500,000 letters: ComputeError regex error: Compiled regex exceeds size limit of 10485760 bytes.
contains by a column of two needles, 500,000 letters: True
SEEN
