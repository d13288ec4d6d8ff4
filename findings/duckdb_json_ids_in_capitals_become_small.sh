#!/usr/bin/env bash
# DuckDB 2.0.1, read_json: a JSON string is a text, but a column whose strings all look like UUIDs becomes UUID, and comes out in small
# letters where it was written in capitals, as SQL Server and .NET write them. read_csv leaves the same ids as they are, and so do Polars 2.1.0
# and Arrow 26.0.1. So the ids that were read from NDJSON are found neither in what was read from CSV nor at the partner who gave
# them, and as soon as one id of another form is among the first rows, all are kept. `columns` with VARCHAR keeps them.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'duckdb==2.0.1' 'polars==2.1.0' 'pyarrow==26.0.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import json
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.json

IDS = ["550E8400-E29B-41D4-A716-446655440000", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"]
for name, ids in (("leads", IDS), ("mixed", [*IDS, "A12"])):
    Path(f"{name}.ndjson").write_text("".join(json.dumps({"id": text}) + "\n" for text in ids))
    Path(f"{name}.csv").write_text("id\n" + "".join(f"{text}\n" for text in ids))
for file in ("leads.ndjson", "mixed.ndjson", "leads.csv"):
    print(f"DuckDB, {file}:", *duckdb.sql(f"SELECT id::VARCHAR, typeof(id) FROM '{file}' LIMIT 1").fetchall()[0])
print("Polars, leads.ndjson:", pl.read_ndjson("leads.ndjson")["id"][0])
print("Arrow, leads.ndjson:", pyarrow.json.read_json("leads.ndjson")["id"][0])
joined = "SELECT count(*) FROM 'leads.ndjson' JOIN 'leads.csv' AS csv ON leads.id::VARCHAR = csv.id"
print("ids of the JSON file that are in the CSV file:", duckdb.sql(joined).fetchall()[0][0])
P
diff "$folder/seen" - <<'S'
DuckDB, leads.ndjson: 550e8400-e29b-41d4-a716-446655440000 UUID
DuckDB, mixed.ndjson: 550E8400-E29B-41D4-A716-446655440000 VARCHAR
DuckDB, leads.csv: 550E8400-E29B-41D4-A716-446655440000 VARCHAR
Polars, leads.ndjson: 550E8400-E29B-41D4-A716-446655440000
Arrow, leads.ndjson: 550E8400-E29B-41D4-A716-446655440000
ids of the JSON file that are in the CSV file: 0
S
