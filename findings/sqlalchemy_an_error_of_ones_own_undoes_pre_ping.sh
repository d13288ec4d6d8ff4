#!/usr/bin/env bash
# A handle_error listener of SQLAlchemy that raises an error of its own takes pool_pre_ping away without a word.
#
# SQLAlchemy 2.1.9, CPython's sqlite3.
# The usual way to turn a driver's errors into one's own is to raise from the event `handle_error`. The pool's ping of a
# connection that is checked out passes its error through the same event before the pool looks whether the connection is
# broken. An error that the listener raises there goes to the caller, and the pool makes no new connection: the first use
# of every connection that broke while it was idle fails, though pool_pre_ping is on. Only a listener that returns where
# `context.is_pre_ping` is true has both.
#   without a listener, or one that leaves pings alone: the pool connects anew, and the query works
#   with one that raises:                               the caller gets its error
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlalchemy==2.1.9
cat >"$folder/ping.py" <<'PYTHON'
import sqlite3

import sqlalchemy as sa


class OwnError(Exception):
    pass


def after_a_break(listener):
    """What a query gives when the one connection of the pool broke while it was idle."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.QueuePool, pool_size=1, pool_pre_ping=True)
    if listener:
        sa.event.listen(engine, "handle_error", listener)
    with engine.connect() as connection:
        idle = connection.connection.driver_connection
    idle.close()
    try:
        with engine.connect() as connection:
            return connection.scalar(sa.text("SELECT 'connected anew'"))
    except OwnError as error:
        return f"OwnError: {error}"


def raises(context):
    if context.is_disconnect:
        raise OwnError("the database is gone") from context.original_exception


def leaves_pings_alone(context):
    if not context.is_pre_ping:
        raises(context)


print("SQLAlchemy", sa.__version__, "sqlite3", sqlite3.sqlite_version)
outcomes = {name: after_a_break(each) for name, each in (("no listener", None), ("raises", raises), ("leaves pings alone", leaves_pings_alone))}
for name, outcome in outcomes.items():
    print(f"{name}: {outcome}")
assert outcomes == {
    "no listener": "connected anew",
    "raises": "OwnError: the database is gone",
    "leaves pings alone": "connected anew",
}
PYTHON
"$folder/venv/bin/python" "$folder/ping.py"
