"""An event's snapshot of the lead: the lead's own fields once more, read from inside the event's JSON object."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict

from export_pipelines.catalog.field import Field, StoredAs


class WrittenSnapshot(BaseModel):
    """`field` is the JSON object, `of` the dataset whose fields lie in it by their ids, `without` ids or globs not there."""

    model_config = ConfigDict(extra="forbid", strict=True)

    field: str
    of: str
    without: list[str] = []


def snapshot_fields(written: WrittenSnapshot, holder: Field, fields: Iterable[Field]) -> Iterator[Field]:
    """`fields` of the other dataset as they lie in `holder`; names of joined tables are not in a snapshot."""
    objects = {field.column: field.id for field in fields if field.path is None}
    for field in fields:
        joined = "." in field.column or ("." in field.id and field.path is None)
        if joined or any(fnmatchcase(field.id, pattern) for pattern in written.without):
            continue
        steps = [holder.path, objects.get(field.column, field.column) if field.path else field.id, field.path]
        yield field.model_copy(
            update={
                "id": f"{holder.id}.{field.id}",
                "column": holder.column,
                "path": ".".join(step for step in steps if step),
                "label": f"{holder.label} {field.label[0].lower()}{field.label[1:]}",
                "group": holder.label,
                "required": False,
                "stored_as": StoredAs.ISO,
            }
        )
