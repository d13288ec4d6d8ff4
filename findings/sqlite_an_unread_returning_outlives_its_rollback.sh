#!/usr/bin/env bash
# In SQLite, rows of RETURNING that nobody read keep a connection from committing, even in transactions after a rollback.
#
# pysqlite3-binary 0.5.4 (its own SQLite), SQLAlchemy 2.1.9.
# An INSERT with RETURNING whose rows the program does not want is not over while its cursor is alive: COMMIT is refused
# with "SQL statements in progress". CPython frees a cursor that nobody keeps at once, so such programs work, until
# something else keeps it for a moment: a profiler that samples frames, a listener of statements, a traceback. ROLLBACK
# works and ends the transaction, but the statement goes on: the next transaction of the connection cannot be committed
# either. A pool whose connections are not reset gives the connection back within its transaction, which keeps every
# other writer out.
#   cursor dropped:                            committed
#   cursor kept:                               refused; after ROLLBACK the next transaction is refused, too
#   then closed:                               committed
#   SQLAlchemy, pool_reset_on_return=None:     the connection comes back from the pool within its transaction
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysqlite3-binary==0.5.4 sqlalchemy==2.1.9
cat >"$folder/unread.py" <<'PYTHON'
import sys
import tempfile

import pysqlite3
import sqlalchemy as sa

INSERT = "INSERT INTO sent VALUES (1) RETURNING 1"


def committed(connection):
    try:
        connection.execute("COMMIT")
        return "committed"
    except pysqlite3.OperationalError as error:
        return str(error)


path = tempfile.mktemp(dir=sys.argv[1])
connection = pysqlite3.connect(path, isolation_level=None)
connection.execute("CREATE TABLE sent (id)")
seen = {}

connection.execute("BEGIN IMMEDIATE")
connection.execute(INSERT)
seen["cursor dropped"] = committed(connection)

connection.execute("BEGIN IMMEDIATE")
kept = connection.execute(INSERT)
seen["cursor kept"] = committed(connection)
connection.execute("ROLLBACK")
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO sent VALUES (2)")
seen["in the transaction after its rollback"] = committed(connection)
kept.close()
seen["then closed"] = committed(connection)
connection.close()

engine = sa.create_engine(f"sqlite:///{path}", module=pysqlite3, pool_reset_on_return=None)
sa.event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE") and None)
cursors = []
sa.event.listen(engine, "after_cursor_execute", lambda _, cursor, *__: cursors.append(cursor))
try:
    with engine.begin() as transaction:
        transaction.exec_driver_sql(INSERT)
except sa.exc.OperationalError:
    pass
pooled = engine.raw_connection()
seen["SQLAlchemy, from the pool"] = "within its transaction" if pooled.driver_connection.in_transaction else "free"

print("pysqlite3", pysqlite3.version, "SQLite", pysqlite3.sqlite_version, "SQLAlchemy", sa.__version__)
for what, outcome in seen.items():
    print(f"{what}: {outcome}")
refused = "cannot commit transaction - SQL statements in progress"
assert seen == {
    "cursor dropped": "committed",
    "cursor kept": refused,
    "in the transaction after its rollback": refused,
    "then closed": "committed",
    "SQLAlchemy, from the pool": "within its transaction",
}, seen
PYTHON
"$folder/venv/bin/python" "$folder/unread.py" "$folder"
