#!/usr/bin/env bash
# pyarrow 26.0.1: where pandas is installed, the first `pa.scalar("x")`, `pa.array(["x"])`, or `fill_null("x")`, which makes
# a scalar, imports pandas, whatever the types are: some hundred modules, tens of MB and a good part of a second in a program
# that never uses it. Reading, computing and making arrays of buffers do not; nor does it help to name the type.
# So memory and start-up of a program on Arrow depend on what else is installed.
# Seen: the lines below (the modules: at least so many hundreds).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pyarrow==26.0.1' 'pandas==3.1.1'
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import subprocess
import sys

BEGIN = "import sys, pyarrow as pa, pyarrow.compute as pc; nulls = pa.nulls(3, pa.string()); "
END = "; print('pandas' in sys.modules, sum(one.split('.')[0] == 'pandas' for one in sys.modules) // 100)"
for step in ("pc.is_null(nulls)", "nulls.fill_null('x')", "pa.scalar('x')", "pa.scalar('x', pa.string())", "pa.array(['x'])"):
    print(step, subprocess.run([sys.executable, "-c", BEGIN + step + END], capture_output=True, text=True, check=True).stdout, end="")
P
diff "$folder/seen" - <<'SEEN'
pc.is_null(nulls) False 0
nulls.fill_null('x') True 2
pa.scalar('x') True 2
pa.scalar('x', pa.string()) True 2
pa.array(['x']) True 2
SEEN
