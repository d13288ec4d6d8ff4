#!/usr/bin/env bash
# Two copies of SQLite in one process take each other's locks away: Python's sqlite3 has one, the ADBC driver brings its own.
#
# adbc-driver-sqlite 1.8.0 with adbc-driver-manager 1.8.0, CPython's sqlite3, Linux.
# POSIX locks belong to the process, and closing any descriptor of a file gives all of its locks up. SQLite knows that and
# keeps descriptors open, but each copy knows only of its own. So a transaction that Python's module holds for writing is
# open to other processes from the moment at which an ADBC connection to the same file, used only to read, is closed:
#   before: another process is told "database is locked"
#   after:  another process begins a transaction for writing beside it
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  adbc-driver-sqlite==1.8.0 adbc-driver-manager==1.8.0 pyarrow==22.0.0
cat >"$folder/locks.py" <<'PYTHON'
import sqlite3
import subprocess
import sys
from pathlib import Path

import adbc_driver_sqlite.dbapi

file = str(Path(sys.argv[1]) / "leads.db")
OTHER = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
    print("begins")
except sqlite3.OperationalError as error:
    print(error)
"""


def another_process() -> str:
    return subprocess.run([sys.executable, "-c", OTHER, file], capture_output=True, text=True, check=True).stdout.strip()


writer = sqlite3.connect(file, isolation_level=None)
writer.execute("CREATE TABLE leads (id TEXT)")
writer.execute("BEGIN IMMEDIATE")
writer.execute("INSERT INTO leads VALUES ('a')")
before = another_process()
with adbc_driver_sqlite.dbapi.connect(file) as reader, reader.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM leads")
    cursor.fetchall()
after = another_process()
print("before:", before)
print("after: ", after)
assert (before, after) == ("database is locked", "begins")
PYTHON
"$folder/venv/bin/python" "$folder/locks.py" "$folder"
