#!/usr/bin/env bash
# ClickHouse (chdb 4.4.0) takes a CSV or JSON column of dates such as `01/02/2024` for DateTime where it infers types, and reads each
# row for itself: day first, but month first where the day could be no month. So of a file of American dates all days up to the 12th come
# out as another day, the others right, in one column, without an error: leads of January the 2nd are of February the 1st, those of
# December the 25th are of December the 25th. DuckDB 2.0.1 reads the column of one file in one order, but takes day first where no row tells:
# the same text is another day in the file of a month that has no day after the 12th.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'chdb==4.4.0' 'duckdb==2.0.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import json
from pathlib import Path

import chdb
import duckdb

for days in (["01/02/2024", "12/25/2024"], ["01/02/2024", "02/01/2024"]):
    Path("leads.csv").write_text("day\n" + "".join(f"{day}\n" for day in days))
    Path("leads.ndjson").write_text("".join(json.dumps({"day": day}) + "\n" for day in days))
    print("American dates:", *days)
    for file in ("leads.csv", "leads.ndjson"):
        seen = str(chdb.query(f"SELECT toDate(day), toTypeName(day) FROM file('{file}')", "TSV")).split("\n")[:2]
        print(f"  ClickHouse, {file}:", *(row.replace("\t", " ") for row in seen))
    print("  DuckDB, leads.csv:", *(day for (day,) in duckdb.sql("FROM 'leads.csv'").fetchall()))
P
diff "$folder/seen" - <<'S'
American dates: 01/02/2024 12/25/2024
  ClickHouse, leads.csv: 2024-02-01 Nullable(DateTime) 2024-12-25 Nullable(DateTime)
  ClickHouse, leads.ndjson: 2024-02-01 Nullable(DateTime) 2024-12-25 Nullable(DateTime)
  DuckDB, leads.csv: 2024-01-02 2024-12-25
American dates: 01/02/2024 02/01/2024
  ClickHouse, leads.csv: 2024-02-01 Nullable(DateTime) 2024-01-02 Nullable(DateTime)
  ClickHouse, leads.ndjson: 2024-02-01 Nullable(DateTime) 2024-01-02 Nullable(DateTime)
  DuckDB, leads.csv: 2024-02-01 2024-01-02
S
