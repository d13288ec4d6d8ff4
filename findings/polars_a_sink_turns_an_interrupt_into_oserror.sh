#!/usr/bin/env bash
# Polars 2.1.0: whatever a file object of Python raises while `write_csv` writes to it comes out as OSError without cause or
# context, a KeyboardInterrupt too. A program that takes OSError for a full disk or a passing fault, and goes on or tries
# again, so swallows Ctrl-C whenever it comes while a frame is written; nothing of the exception but its text is left.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'polars==2.1.0'
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import polars as pl

class Sink:
    closed = False
    def __init__(self, error):
        self.error = error
    def write(self, data):
        raise self.error
    def flush(self): ...
    def close(self): ...
    def readable(self):
        return False
    def writable(self):
        return True
    def seekable(self):
        return False

for error in (KeyboardInterrupt("stop"), ValueError("wrong"), SystemExit(3)):
    try:
        pl.DataFrame({"a": ["x"] * 10}).write_csv(Sink(error))
    except BaseException as found:
        print(type(error).__name__, "->", repr(found), found.__cause__, found.__context__)
P
diff "$folder/seen" - <<'SEEN'
KeyboardInterrupt -> OSError('stop') None None
ValueError -> OSError('wrong') None None
SystemExit -> OSError('3') None None
SEEN
