#!/usr/bin/env bash
# A file that ends in the middle of its Zstandard frame, as an upload that broke off leaves it, is no error to DuckDB 2.0.1, pandas
# 3.1.1, ClickHouse (chdb 4.4.0), and python-zstandard 0.25.0, whose stream reader pandas uses: they read the rows of the blocks that are
# there and report success, though the frame states its length and has a checksum. Where nothing but that checksum is missing, pandas and
# DuckDB even leave the last block out. Polars 2.1.0 and Arrow 26.0.1 raise.
# The same programs all raise for a gzip file that is cut alike, so who compares codecs by gzip, or moves from it to Zstandard for
# its speed, loses that check. A reader of its own can ask `decompressobj().eof`.
# Seen, with 200,000 rows of which the last bytes are cut off: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'zstandard==0.25.0' 'pandas==3.1.1' 'duckdb==2.0.1' 'chdb==4.4.0' 'polars==2.1.0' 'pyarrow==26.0.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import gzip
from pathlib import Path

import chdb
import duckdb
import pandas as pd
import polars as pl
import pyarrow.csv
import zstandard

text = ("id,name\n" + "".join(f"{row},{row * 2654435761 % 2**32}\n" for row in range(200_000))).encode()
zstd = zstandard.ZstdCompressor(3, write_checksum=True).compress(text)  # the checksum: four bytes at the end
for codec, data in (("zst", zstd), ("gz", gzip.compress(text, mtime=0))):
    Path(f"whole.csv.{codec}").write_bytes(data)
    Path(f"no_checksum.csv.{codec}").write_bytes(data[:-4])
    Path(f"half.csv.{codec}").write_bytes(data[: len(data) // 2])

READERS = {
    "zstandard": lambda file: zstandard.open(file, "rb").read().count(b"\n") - 1 if file.endswith("zst") else None,
    "pandas": lambda file: len(pd.read_csv(file)),
    "DuckDB": lambda file: len(duckdb.sql(f"FROM read_csv('{file}')").fetchall()),
    "ClickHouse": lambda file: int(str(chdb.query(f"SELECT count(id) FROM file('{file}', CSVWithNames)"))),
    "Polars": lambda file: pl.read_csv(file).height,
    "Arrow": lambda file: pyarrow.csv.read_csv(file).num_rows,
}


def rows(read, file):
    try:
        return read(file)
    except Exception:
        return "error"


for codec in ("zst", "gz"):
    for name, read in READERS.items():
        seen = [rows(read, f"{file}.csv.{codec}") for file in ("whole", "no_checksum", "half")]
        if seen[0] is not None:
            kinds = [kind if kind == "error" else "all" if kind == 200_000 else "fewer" for kind in seen]
            print(f".{codec} {name}: whole {kinds[0]}, without its checksum {kinds[1]}, half {kinds[2]}")
P
diff "$folder/seen" - <<'S'
.zst zstandard: whole all, without its checksum all, half fewer
.zst pandas: whole all, without its checksum fewer, half fewer
.zst DuckDB: whole all, without its checksum fewer, half fewer
.zst ClickHouse: whole all, without its checksum all, half fewer
.zst Polars: whole all, without its checksum error, half error
.zst Arrow: whole all, without its checksum error, half error
.gz pandas: whole all, without its checksum error, half error
.gz DuckDB: whole all, without its checksum error, half error
.gz ClickHouse: whole all, without its checksum error, half error
.gz Polars: whole all, without its checksum error, half error
.gz Arrow: whole all, without its checksum error, half error
S
