"""Node, by csv-parse, which tells whether a cell was quoted. Whole numbers become BigInt; decimals stay texts."""

import json

from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.python import stated_nulls
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.table import UNPACKING, Table

SCRIPT = """\
import assert from 'node:assert'
{modules}
import {{parse}} from 'csv-parse/sync'

const files = {files}
const columns = {columns}
const cell = (text, {{quoting}}) => text === {marker} && !quoting ? null : text
const rows = files.flatMap(file => parse({opened}, {{
  from: 2, delimiter: {delimiter}, record_delimiter: {line_end}, bom: true, cast: cell, skip_empty_lines: false,
}})).map(cells => Object.fromEntries(columns.map(([name, typed], place) => [name, {value}])))

// what the manifest states
assert.equal(rows.length, {rows})
{nulls}
"""
TYPED = {
    Kind.INTEGER: "BigInt",
    Kind.BOOLEAN: "text => text === 'true'",
    Kind.TIMESTAMP: "text => new Date(text)",
}
OPENED = {
    "none": ("import fs from 'node:fs'", "fs.readFileSync(file)"),
    "gzip": (
        "import fs from 'node:fs'\nimport zlib from 'node:zlib'",
        "zlib.gunzipSync(fs.readFileSync(file))",
    ),
}
PROGRAM = "import {execFileSync} from 'node:child_process'"


def load(table: Table) -> Script:
    """The result is `rows`, an array of objects."""
    losses = lost.quoted_nulls(table)
    modules, opened = OPENED.get(table.codec) or (PROGRAM, _by_program(table.codec))
    columns = ",\n  ".join(
        f"[{_text(column.name)}, {TYPED.get(column.kind, 'text => text')}{_is_null(table, lost.reads_as_null(table, column))}]"
        for column in table.columns
    )
    nulls = (
        f"assert.equal(rows.filter(row => row[{_text(name)}] === null).length, {count})"
        for name, count in stated_nulls(table, losses)
    )
    body = SCRIPT.format(
        modules=modules,
        files=json.dumps(table.files, ensure_ascii=False),
        columns=f"[\n  {columns},\n]",
        marker=_text(table.marker),
        opened=opened,
        delimiter=_text(table.delimiter),
        line_end=_text(table.line_end),
        value="cells[place] === null ? null : typed(cells[place])",
        rows=table.manifest.rows,
        nulls="\n".join(nulls),
    )
    if table.quotes_nulls:
        body = body.replace("([name, typed], place)", "([name, typed, empty_is_null], place)").replace(
            "cells[place] === null ?", "cells[place] === null || empty_is_null && cells[place] === '' ?"
        )
    return Script(body, losses)


def _is_null(table: Table, is_null: bool) -> str:
    return f", {json.dumps(is_null)}" if table.quotes_nulls else ""


def _by_program(codec: str) -> str:
    program, *options = UNPACKING[codec].split()
    arguments = ", ".join([*map(_text, options), "file"])
    return f"execFileSync({_text(program)}, [{arguments}], {{maxBuffer: 2 ** 31}})"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
