#!/usr/bin/env bash
# Parquet tells `Id` and `ID` apart, as Polars 2.1.0 and Arrow 26.0.1 do when they write and read it. DuckDB 2.0.1 calls the second column
# ID_1, and since its names, also within quotes, have no case, SELECT "ID" gives the values of "Id" once more: no error. Where the file has a column ID_1 of its own, that name gives the values of "ID" in turn, and the column is ID_1_1. By position,
# read_parquet(...) AS f(c0, c1), each column is found.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'duckdb==2.0.1' 'polars==2.1.0' 'pyarrow==26.0.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import duckdb
import polars as pl
import pyarrow.parquet as pq

pl.DataFrame({"Id": ["first"], "ID": ["second"], "ID_1": ["third"]}).write_parquet("a.parquet")
print("Arrow:", pq.read_table("a.parquet").to_pylist()[0])
print("Polars, ID:", pl.read_parquet("a.parquet")["ID"][0])
print("DuckDB calls them:", *duckdb.sql("FROM 'a.parquet'").columns)
for name in ("Id", "ID", "ID_1"):
    print(f'DuckDB, SELECT "{name}":', duckdb.sql(f"""SELECT "{name}" FROM 'a.parquet'""").fetchall()[0][0])
by_position = "SELECT c0, c1, c2 FROM read_parquet('a.parquet') AS f(c0, c1, c2)"
print("DuckDB, by position:", *duckdb.sql(by_position).fetchall()[0])
P
diff "$folder/seen" - <<'S'
Arrow: {'Id': 'first', 'ID': 'second', 'ID_1': 'third'}
Polars, ID: second
DuckDB calls them: Id ID_1 ID_1_1
DuckDB, SELECT "Id": first
DuckDB, SELECT "ID": first
DuckDB, SELECT "ID_1": second
DuckDB, by position: first second third
S
