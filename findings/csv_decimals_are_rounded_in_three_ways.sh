#!/usr/bin/env bash
# A CSV cell with more digits than its declared type, decimal(10,2), is another amount in each reader, without an error: DuckDB 2.0.1 rounds
# halves away from zero, Polars 2.1.0 to the even digit, ClickHouse (chdb 4.4.0) cuts the digits off, so that 1.999 is 1.99. Arrow 26.0.1
# refuses. So sums of one file differ between warehouses that declare the same types, and by most in ClickHouse, where
# each cell loses up to a cent, always towards zero.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'polars==2.1.0' 'duckdb==2.0.1' 'pyarrow==26.0.1' 'chdb==4.4.0'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
from pathlib import Path

import chdb
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv

Path("leads.csv").write_text("price\n1.999\n-1.999\n1.005\n2.675\n")
try:
    types = pyarrow.csv.ConvertOptions(column_types={"price": pa.decimal128(10, 2)})
    arrow = pyarrow.csv.read_csv("leads.csv", convert_options=types)["price"].to_pylist()
except pa.ArrowInvalid as error:
    arrow = [str(error)]
print("DuckDB:", *(row[0] for row in duckdb.sql("FROM read_csv('leads.csv', columns = {'price': 'DECIMAL(10,2)'})").fetchall()))
print("Polars:", *pl.read_csv("leads.csv", schema={"price": pl.Decimal(10, 2)})["price"])
print("ClickHouse:", *str(chdb.query("SELECT toString(price) FROM file('leads.csv', CSVWithNames, 'price Decimal(10, 2)')", "TSV")).split())
print("Arrow:", *arrow)
P
diff "$folder/seen" - <<'S'
DuckDB: 2.00 -2.00 1.01 2.68
Polars: 2.00 -2.00 1.00 2.68
ClickHouse: 1.99 -1.99 1 2.67
Arrow: In CSV column #0: Rescaling Decimal value would cause data loss
S
