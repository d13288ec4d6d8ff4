#!/usr/bin/env bash
# Partners match leads by SHA-256 of the address or name in lower case. Lower case is not one function: the capital sigma at the end of
# a Greek word is "ς" to Python and Polars 2.1.0 and "σ" to DuckDB 2.0.1, Arrow 26.0.1 and Python's casefold(); the Turkish "İ" is two code points to the
# former and "i" to DuckDB and Arrow. So one name, hashed by two engines or by two steps of one pipeline, has two digests, and matches
# nobody, while the digests of all English names are equal.
# Seen: the lines below (as escapes of what is not ASCII).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'polars==2.1.0' 'duckdb==2.0.1' 'pyarrow==26.0.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

LOWER = {
    "Python": str.lower,
    "Python, casefold": str.casefold,
    "Polars": lambda name: pl.Series([name]).str.to_lowercase()[0],
    "DuckDB": lambda name: duckdb.execute("SELECT lower(?)", [name]).fetchone()[0],
    "Arrow": lambda name: pc.utf8_lower(pa.scalar(name)).as_py(),
}
for name in ("ΝΙΚΟΣ", "İPEK"):
    for engine, lower in LOWER.items():
        print(f"{engine}:", ascii(lower(name)))
P
diff "$folder/seen" - <<'S'
Python: '\u03bd\u03b9\u03ba\u03bf\u03c2'
Python, casefold: '\u03bd\u03b9\u03ba\u03bf\u03c3'
Polars: '\u03bd\u03b9\u03ba\u03bf\u03c2'
DuckDB: '\u03bd\u03b9\u03ba\u03bf\u03c3'
Arrow: '\u03bd\u03b9\u03ba\u03bf\u03c3'
Python: 'i\u0307pek'
Python, casefold: 'i\u0307pek'
Polars: 'i\u0307pek'
DuckDB: 'ipek'
Arrow: 'ipek'
S
