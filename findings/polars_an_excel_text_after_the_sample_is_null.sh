#!/usr/bin/env bash
# Polars 2.1.0, read_excel (fastexcel 0.21.0): the type of a column comes from its first rows (infer_schema_length), and a later text
# that is not of that type becomes null, without an error or a warning: a reference "A12" after some hundred numbers is gone. A later text
# that reads as a number becomes that number, "02769" the number 2769. Polars' own read_csv raises for the first, and says what to do.
# Of a sheet of one column, the row that became null in this way is left out as empty. `infer_schema_length=None` keeps all.
# Seen: the lines below, of the last two rows of 1,002.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'polars==2.1.0' 'fastexcel==0.21.0' 'xlsxwriter==3.3.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import polars as pl
import xlsxwriter

references = [*range(10_000, 11_000), "A12", "02769"]
for columns in (1, 2):
    with xlsxwriter.Workbook(f"{columns}.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["reference", *references])
        if columns == 2:
            sheet.write_column(0, 1, ["id", *(f"L{row}" for row in range(1002))])
with open("leads.csv", "w") as file:
    file.write("reference\n" + "".join(f"{reference}\n" for reference in references))

for columns in (1, 2):
    for how, options in (("by default", {}), ("infer_schema_length=None", {"infer_schema_length": None})):
        seen = pl.read_excel(f"{columns}.xlsx", **options)["reference"]
        print(f"read_excel, columns: {columns}, {how}: rows: {len(seen)}, {seen.tail(2).to_list()}")
try:
    print("read_csv:", pl.read_csv("leads.csv").tail(2).to_series().to_list())
except pl.exceptions.ComputeError as error:
    print("read_csv:", str(error).splitlines()[0])
P
diff "$folder/seen" - <<'S'
read_excel, columns: 1, by default: rows: 1001, [10999, 2769]
read_excel, columns: 1, infer_schema_length=None: rows: 1002, ['A12', '02769']
read_excel, columns: 2, by default: rows: 1002, [None, 2769]
read_excel, columns: 2, infer_schema_length=None: rows: 1002, ['A12', '02769']
read_csv: could not parse `A12` as dtype `i64` at column 'reference' (column number 1)
S
