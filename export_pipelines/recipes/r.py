"""R, by readr's first edition, which alone tells a null from an empty text. R's numbers are doubles: decimals stay texts."""

import json
from collections.abc import Iterator

from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.python import stated_nulls
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.table import Table

SCRIPT = """\
library(readr)

files <- c({files})
columns <- c({columns})
cells <- function(file) with_edition(1, read_delim({source}, delim = {delimiter}, col_names = columns, skip = {skip},
  col_types = cols(.default = "c"), na = {marker}, quoted_na = FALSE, trim_ws = FALSE, escape_double = TRUE))
frame <- do.call(rbind, lapply(files, cells))
{typed}

# what the manifest states
stopifnot(nrow(frame) == {rows})
{nulls}
"""
TYPED = {
    Kind.INTEGER: "bit64::as.integer64({cell})",
    Kind.BOOLEAN: '{cell} == "true"',
    Kind.DATE: "as.Date({cell})",
    Kind.TIMESTAMP: 'as.POSIXct({cell}, format = "%Y-%m-%dT%H:%M:%OSZ", tz = "UTC")',
}


def load(table: Table) -> Script:
    """The result is `frame`."""
    losses = (*lost.quoted_nulls(table), *lost.blanks(table, "format: {csv: {quote: text}}"))
    nulls = (
        f"stopifnot(sum(is.na(frame[[{_text(name)}]])) == {count})"
        for name, count in stated_nulls(table, losses)
    )
    body = SCRIPT.format(
        files=", ".join(map(_text, table.files)),
        columns=", ".join(_text(column.name) for column in table.columns),
        source=_source(table),
        delimiter=_text(table.delimiter),
        skip=1,
        marker=_text(table.marker),
        typed="\n".join(_typed(table)),
        rows=table.manifest.rows,
        nulls="\n".join(nulls),
    )
    return Script(body, losses)


def _source(table: Table) -> str:
    return 'pipe(paste("zstd -dc", shQuote(file)))' if table.codec == "zstd" else "file"


def _typed(table: Table) -> Iterator[str]:
    for column in table.columns:
        cell = f"frame[[{_text(column.name)}]]"
        if table.quotes_nulls and lost.reads_as_null(table, column):
            yield f'{cell}[{cell} == ""] <- NA'
        if column.kind in TYPED:
            yield f"{cell} <- {TYPED[column.kind].format(cell=cell)}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
