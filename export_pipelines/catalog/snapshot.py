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
    objects = {one.column: one.id for one in fields if one.path is None}
    for one in fields:
        joined = "." in one.column or ("." in one.id and one.path is None)
        if joined or any(fnmatchcase(one.id, pattern) for pattern in written.without):
            continue
        steps = [holder.path, objects.get(one.column, one.column) if one.path else one.id, one.path]
        yield one.model_copy(
            update={
                "id": f"{holder.id}.{one.id}",
                "column": holder.column,
                "path": ".".join(step for step in steps if step),
                "label": f"{holder.label} {one.label[0].lower()}{one.label[1:]}",
                "group": holder.label,
                "required": False,
                "stored_as": StoredAs.ISO,
            }
        )
