"""pyarrow: its reader of CSV knows a null from an empty text, and every column is cast to its type."""

from export_pipelines.recipes.python import (
    arrow_imports,
    arrow_lines,
    asserted,
    imports,
    losses_of_files,
    uses_decimals,
)
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.table import Table


def load(table: Table) -> Script:
    """The result is `table`."""
    losses = losses_of_files(table)
    head = imports(*arrow_imports(table), "import pyarrow.compute as pc", uses_decimals(table, losses))
    checked = asserted(
        table, losses, "table.num_rows", "table[{name}].null_count", "(pc.sum(table[{name}]).as_py() or 0)"
    )
    return Script(f"{head}\n\n{arrow_lines(table)}\n{checked}", losses)
