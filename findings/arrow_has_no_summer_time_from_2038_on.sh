#!/usr/bin/env bash
# Arrow 26.0.1 on Linux, with Debian 12's time zone files: from 2038 on its functions for time zones know no summer time: a moment of July is an hour early as a local text, and a
# local time becomes another moment. A time zone file lists changes up to 2037 and gives the rule for all later years in its last
# line, which Arrow does not read; Python does, so a value of Arrow differs from its own `as_py()`. Polars 2.1.0 follows the rule to
# 2100 and loses it then. DuckDB 2.0.1 keeps it. So what ends in the summer of 2038 or later, such as a loan of 30 years, has another
# hour, and about midnight another day, by the engine that writes the local time. No error, no warning.
# Seen, as the hour in New York of noon in UTC on July 1st: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pyarrow==26.0.1' 'polars==2.1.0' 'duckdb==2.0.1' 'tzdata==2026.6'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

ZONE = "America/New_York"
duckdb.execute(f"SET TimeZone = '{ZONE}'")
for year in (2037, 2038, 2101):
    noon = datetime(year, 7, 1, 12, tzinfo=timezone.utc)
    scalar = pa.scalar(noon, pa.timestamp("s", ZONE))
    print(
        year,
        "Python", noon.astimezone(ZoneInfo(ZONE)).hour,
        "Arrow", pc.hour(scalar).as_py(),
        "its as_py()", scalar.as_py().hour,
        "Polars", pl.Series([noon]).dt.convert_time_zone(ZONE).dt.hour()[0],
        "DuckDB", duckdb.execute("SELECT hour(?::TIMESTAMPTZ)", [noon]).fetchone()[0],
    )
local = pa.scalar(datetime(2038, 7, 1, 8), pa.timestamp("s"))
print("2038-07-01 08:00 in New York is, to Arrow,", pc.cast(pc.assume_timezone(local, ZONE), pa.timestamp("s", "UTC")))
P
diff "$folder/seen" - <<'S'
2037 Python 8 Arrow 8 its as_py() 8 Polars 8 DuckDB 8
2038 Python 8 Arrow 7 its as_py() 8 Polars 8 DuckDB 8
2101 Python 8 Arrow 7 its as_py() 8 Polars 7 DuckDB 8
2038-07-01 08:00 in New York is, to Arrow, 2038-07-01 13:00:00+00:00
S
