#!/usr/bin/env bash
# CPython 3.8 to 3.13: a KeyboardInterrupt that leaves an exec() of text, and is caught right there, is remembered by the
# interpreter. A program that was started with `python -m` or as a script then ends by SIGINT (130 in a shell) where it would end well,
# and, with `python -m` alone, also where it says sys.exit(3). `dataclasses` makes its methods with exec, so the interrupt of an import
# is enough. An exec() of no text, before the end, makes it forget. Seen: the lines below, without and with that.
set -euo pipefail
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >caught.py <<'P'
import sys

try:
    exec("raise KeyboardInterrupt")
except KeyboardInterrupt:
    if "forget" in sys.argv:
        exec("")
if "exit" in sys.argv:
    sys.exit(3)
P
for run in "caught.py" "caught.py exit" "-m caught" "-m caught exit" "-m caught forget" "-m caught exit forget"; do
    code=0
    # shellcheck disable=SC2086 # the words of a command
    "$python" $run || code=$?
    echo "python $run: $code"
done >seen
cat seen
diff seen - <<'S'
python caught.py: 130
python caught.py exit: 3
python -m caught: 130
python -m caught exit: 130
python -m caught forget: 0
python -m caught exit forget: 3
S
