#!/usr/bin/env bash
# A text of XLSX that reads as an escape, such as `_x0041_`, has to be written as `_x005F_x0041_`. Readers undo that by where
# the text stands: openpyxl 3.1.5 in shared strings only, not in inline strings (`t="inlineStr"`), and there by deleting the
# letters `x005F_` wherever they are, with or without an escape around them; python-calamine 0.9.1 in both.
# So a writer that streams inline strings is read right by one reader and wrong by the other, escaped or not, and a text that
# holds `x005F_` is never read right by both from a shared string. Two runs (`<r>`), cut inside the escape, are.
# Seen: the five lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'openpyxl==3.1.5' 'python-calamine==0.9.1' 'xlsxwriter==3.3.1'
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import io, zipfile
import openpyxl, python_calamine, xlsxwriter

def read(cell, shared=""):
    empty, file = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(empty, {"in_memory": True}) as book:
        book.add_worksheet().write_string(0, 0, "header")
    with zipfile.ZipFile(empty) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            text = text.replace("</sheetData>", f'<row r="2"><c r="A2" {cell}</c></row></sheetData>')
            new.writestr(name, text.replace("</sst>", f"{shared}</sst>").replace('ref="A1"', 'ref="A1:A2"'))
    file.seek(0)
    by_calamine = python_calamine.load_workbook(file).get_sheet_by_index(0).to_python()[1][0]
    return openpyxl.load_workbook(file).active["A2"].value, by_calamine

SHARED = 't="s"><v>1</v>'
print("inline, escaped:", *read('t="inlineStr"><is><t>_x005F_x0041_</t></is>'))
print("inline, as it is:", *read('t="inlineStr"><is><t>_x0041_</t></is>'))
print("shared, escaped:", *read(SHARED, "<si><t>_x005F_x0041_</t></si>"))
print("shared, x005F_ in it:", *read(SHARED, "<si><t>no x005F_ escape</t></si>"))
print("inline, two runs:", *read('t="inlineStr"><is><r><t>_</t></r><r><t>x0041_</t></r></is>'))
P
diff "$folder/seen" - <<'SEEN'
inline, escaped: _x005F_x0041_ _x0041_
inline, as it is: _x0041_ A
shared, escaped: _x0041_ _x0041_
shared, x005F_ in it: no  escape no x005F_ escape
inline, two runs: _x0041_ _x0041_
SEEN
