"""A stored value that the database itself cannot read: which row holds it is asked of the database, half by half."""

from collections.abc import Sequence

from export_pipelines.errors import DataError, ExportError
from export_pipelines.plan.query.query import Query
from export_pipelines.read.source import Source
from export_pipelines.transform.casts import IDS

MOST_IDS = 200_000  # in one statement: five megabytes of it


class UnknownRow(DataError):
    """The database told what is wrong, and not in which row."""


def with_row(error: UnknownRow, source: Source, query: Query) -> DataError:
    """The error with the id of a row that the database cannot read, or as it is where none is found: in a group, or by a rule
    that fails whatever else is asked."""
    column = next((candidate for name in IDS for candidate in query.columns if candidate.name == name), None)
    if column is None:
        return error
    asked = f"FROM ({query.sql}) asked"
    update = {"sql": f"SELECT {column.name} {asked}", "columns": (column,), "marked": (), "mixed": None}
    only_ids = query.model_copy(update=update)

    def fails(ids: Sequence[str]) -> bool:
        listed = ", ".join("'" + id.replace("'", "''") + "'" for id in ids)
        sql = f"SELECT * {asked} WHERE {column.name} IN ({listed})"
        try:
            for _ in source.read(query.model_copy(update={"sql": sql, "mixed": None})):
                pass
        except UnknownRow:
            return True
        return False

    try:
        ids = [str(id) for batch in source.read(only_ids) for id in batch.column(0).to_pylist()]
        for start in range(0, len(ids), MOST_IDS):
            suspects = ids[start : start + MOST_IDS]
            if not fails(suspects):
                continue
            while len(suspects) > 1:
                half = len(suspects) // 2
                suspects = suspects[:half] if fails(suspects[:half]) else suspects[half:]
            return DataError(error.what, where=f"{column.name} {suspects[0]}", remedy=REMEDY)
    except ExportError:
        pass
    return error


REMEDY = "mend the row, or leave the field out"
