#!/usr/bin/env bash
# DuckDB 2.0.1: who guesses nothing and names the columns and types of CSV files in full, by `columns`, has them read by position: the
# header is taken for a header, and its names are not looked at. A file in which two columns have changed places is read with their
# values exchanged, without an error. Left to guess, the same statement finds the columns of each file by its header, as `types` does,
# which gives the types alone. So the careful form is the one that mixes up.
# Seen, with two files of the same columns in another order: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'duckdb==2.0.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
from pathlib import Path

import duckdb

Path("leads_1.csv").write_text("first,last,zip\nAnn,Lee,02769\n")
Path("leads_2.csv").write_text("last,first,zip\nKim,Bob,00501\n")
types = "{'first': 'VARCHAR', 'last': 'VARCHAR', 'zip': 'VARCHAR'}"
for how, options in (("guessed", ""), ("types", f", types = {types}"), ("columns", f", header = true, columns = {types}")):
    print(f"{how}:", duckdb.sql(f"SELECT first, last, zip FROM read_csv('leads_*.csv'{options})").fetchall())
P
diff "$folder/seen" - <<'S'
guessed: [('Ann', 'Lee', '02769'), ('Bob', 'Kim', '00501')]
types: [('Ann', 'Lee', '02769'), ('Bob', 'Kim', '00501')]
columns: [('Ann', 'Lee', '02769'), ('Kim', 'Bob', '00501')]
S
