#!/usr/bin/env bash
# Frictionless 5.21.0 infers the type of a column from its first 100 rows, and a later cell that does not fit is null to whoever reads
# the rows: extract, to_pandas, write, and `frictionless extract` on the command line end well, and give a table in which the cell is
# empty. The error is in `row.errors` and in the report of validate, for which nobody asked. So a conversion by it loses the
# postal codes and references of another form that begin after the hundredth row.
# Seen, of the last row of 151: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'frictionless[pandas]==5.21.0'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import subprocess
import sys
from pathlib import Path

import frictionless

rows = [f"{row},{10_000 + row}" for row in range(150)] + ["150,K1A 0B6"]
Path("leads.csv").write_text("id,zip\n" + "\n".join(rows) + "\n")
print("extract:", frictionless.extract("leads.csv")["leads"][-1])
print("to_pandas:", frictionless.Resource("leads.csv").to_pandas().iloc[-1].to_list())
frictionless.Resource("leads.csv").write("copy.csv")
print("write:", Path("copy.csv").read_text().splitlines()[-1])
program = Path(sys.executable).with_name("frictionless")
done = subprocess.run([program, "extract", "leads.csv", "--csv"], capture_output=True, text=True)
print("command:", done.stdout.splitlines()[-1], "exit code", done.returncode)
print("validate:", frictionless.validate("leads.csv").valid)
P
diff "$folder/seen" - <<'S'
extract: {'id': 150, 'zip': None}
to_pandas: [150, <NA>]
write: 150,
command: 150, exit code 0
validate: False
S
