#!/usr/bin/env bash
# StringZilla 5.3.2: Strs(array) of a pyarrow array that is a slice takes the slice's length, and reads from the start of its
# buffers: the array's offset is ignored, so every text is that of another row, and the last ones are missing. Nothing is raised.
# Seen: the lines below. A copy without an offset (pyarrow.concat_arrays([slice])) is read as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'stringzilla==5.3.2' pyarrow
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import pyarrow as pa
import stringzilla as sz

sliced = pa.array(["a", "b", "c"], pa.large_string()).slice(1)
print("pyarrow:", sliced.to_pylist())
print("StringZilla:", [str(text) for text in sz.Strs(sliced)])
print("StringZilla, of a copy:", [str(text) for text in sz.Strs(pa.concat_arrays([sliced]))])
P
diff "$folder/seen" - <<'E'
pyarrow: ['b', 'c']
StringZilla: ['a', 'b']
StringZilla, of a copy: ['b', 'c']
E
