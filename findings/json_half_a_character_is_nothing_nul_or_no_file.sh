#!/usr/bin/env bash
# A text that JavaScript cut within an emoji ("Hi 👋".slice(0, 4)) ends in half a surrogate pair, which JSON.stringify writes as an escape:
# "Hi \ud83d". RFC 8259 permits it, and json.dumps of Python writes it too. Of a file of NDJSON in which one of a thousand rows has it,
# Polars 2.1.0 reads a NUL in its place and pandas 3.1.1 nothing, both without a word; orjson 3.11.4 and msgspec 0.22.0 refuse the row, Arrow
# 26.0.1 and DuckDB 2.0.1 the whole file, and with ignore_errors DuckDB makes the row null. So whoever writes JSON for others has to look for
# such escapes, and whoever reads it cannot tell from Polars or pandas that a letter was lost.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'polars==2.1.0' 'pyarrow==26.0.1' 'duckdb==2.0.1' 'pandas==3.1.1' 'orjson==3.11.4' 'msgspec==0.22.0'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import json
from pathlib import Path

import duckdb
import msgspec
import orjson
import pandas as pd
import polars as pl
import pyarrow.json

HALF = "Hi 👋".encode("utf-16-le")[:-2].decode("utf-16-le", "surrogatepass")
texts = ["Hi"] * 1000
texts[500] = HALF
lines = [json.dumps({"id": row, "text": text}) for row, text in enumerate(texts)]
Path("a.ndjson").write_text("".join(f"{line}\n" for line in lines))
print("the row:", lines[500])

READERS = {
    "json": lambda: json.loads(lines[500])["text"],
    "orjson": lambda: orjson.loads(lines[500])["text"],
    "msgspec": lambda: msgspec.json.decode(lines[500])["text"],
    "Arrow": lambda: pyarrow.json.read_json("a.ndjson")["text"][500].as_py(),
    "DuckDB": lambda: duckdb.sql("FROM read_json('a.ndjson')").fetchall()[500][1],
    "DuckDB, ignore_errors": lambda: duckdb.sql("FROM read_json('a.ndjson', ignore_errors = true)").fetchall()[500],
    "Polars": lambda: pl.read_ndjson("a.ndjson")["text"][500],
    "pandas": lambda: pd.read_json("a.ndjson", lines=True)["text"][500],
}
for name, read in READERS.items():
    try:
        print(f"{name}: {read()!r}")
    except Exception as error:
        print(f"{name}: error")
P
diff "$folder/seen" - <<'S'
the row: {"id": 500, "text": "Hi \ud83d"}
json: 'Hi \ud83d'
orjson: error
msgspec: error
Arrow: error
DuckDB: error
DuckDB, ignore_errors: (None, None)
Polars: 'Hi \x00'
pandas: 'Hi '
S
