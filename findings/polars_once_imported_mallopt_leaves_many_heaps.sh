#!/usr/bin/env bash
# Once Polars has been imported, glibc says yes to mallopt(M_ARENA_MAX, 1), and threads have heaps of their own all the same.
#
# polars 2.1.0, CPython on Linux with glibc (seen with 2.36).
# A process of many threads keeps much freed memory, since each has a heap of its own; `mallopt(M_ARENA_MAX, 1)` is how a
# program that does not choose its environment makes them share one. The heaps that are there by then stay, though, and later
# threads go on sharing them; `mallopt` returns 1, for success, all the same. Importing Polars starts threads that have some.
#   mallopt, then import polars: 1 heap
#   import polars, then mallopt: more than 1 (4 were seen)
# The call has to be the first thing a program does, before its imports; or it is MALLOC_ARENA_MAX in the environment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
cat >"$folder/heaps.py" <<'PYTHON'
import ctypes
import importlib
import sys
import threading

M_ARENA_MAX = -8
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
if sys.argv[1] == "after":
    importlib.import_module("polars")
print("mallopt", libc.mallopt(M_ARENA_MAX, 1), flush=True)
if sys.argv[1] == "before":
    importlib.import_module("polars")
together = threading.Barrier(4)


def ask() -> None:
    together.wait()
    libc.malloc(1 << 16)


threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"a")))
libc.fflush(None)
PYTHON
unset MALLOC_ARENA_MAX GLIBC_TUNABLES
for when in before after; do
  "$folder/venv/bin/python" "$folder/heaps.py" "$when" >"$folder/$when"
  echo "mallopt $when the import: $(head -1 "$folder/$when"), $(grep -c '<heap nr=' "$folder/$when") heaps"
done
grep -qx "mallopt 1" "$folder/before"
grep -qx "mallopt 1" "$folder/after"
[ "$(grep -c '<heap nr=' "$folder/before")" = 1 ]
[ "$(grep -c '<heap nr=' "$folder/after")" -gt 1 ]
