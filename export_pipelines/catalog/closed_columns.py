"""Fields that would export what is never exported: a second field on the column of a never-exported one, or a field
that a name like `ssn` is given without that type, or personal data in an object that is said to hold none. Works over all datasets, since one can join another's table."""

from collections.abc import Iterator, Sequence

from export_pipelines.catalog.dataset import Dataset
from export_pipelines.catalog.field import Field
from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.catalog.semantic_types import Kind

Place = tuple[str, str, tuple[str, ...]]  # table, column, steps inside the column's JSON
_HOLDS_NO_NUMBER = (Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP)  # `ssn_verified`


def closed_faults(datasets: Sequence[Dataset]) -> Iterator[tuple[Dataset, Field, str]]:
    """Each field that must not be there, and why."""
    closed = [
        (field, _place(dataset, field))
        for dataset in datasets
        for field in dataset.fields
        if not field.semantic_type.exportable
    ]
    for dataset in datasets:
        for field in dataset.fields:
            if whole := next(
                (candidate for candidate in dataset.wide if _is_open_around(candidate, field)), None
            ):
                yield (
                    dataset,
                    field,
                    f"{field.id}: it is personal data, and lies in {whole.id}, which is said to hold none; give {whole.id} "
                    "a PII class",
                )
            if not field.semantic_type.exportable:
                continue
            place = _place(dataset, field)
            if other := next(
                (closed_field for closed_field, theirs in closed if _lies_in(place, theirs)), None
            ):
                yield dataset, field, _same_place(field, other)
            elif field.kind not in _HOLDS_NO_NUMBER and _names_ssn(field):
                yield (
                    dataset,
                    field,
                    f'{field.id}: a field of this name has the type "ssn", not "{field.type}"',
                )


def _is_open_around(whole: Field, field: Field) -> bool:
    """Whether an object that is said to hold no personal data has this field of personal data in it."""
    if whole.is_personal or not field.is_personal or field.path is None or whole.column != field.column:
        return False
    return whole.path is None or field.path.startswith(f"{whole.path}.")


def _place(dataset: Dataset, field: Field) -> Place:
    alias, _, column = field.column.rpartition(".")
    joined = {join.alias: join.table for join in dataset.joins}
    table = joined.get(alias, dataset.table)
    steps = tuple(field.path.split(".")) if field.path else ()
    return table.rpartition(".")[2].casefold(), column.casefold(), steps


def _lies_in(place: Place, closed: Place) -> bool:
    return place[:2] == closed[:2] and place[2][: len(closed[2])] == closed[2]


def _same_place(field: Field, other: Field) -> str:
    where = f'the column "{field.column}"' + (f', path "{field.path}"' if field.path else "")
    return f"{field.id}: {where} is that of {other.id}, whose type {other.type} is never exported; remove this field"


def _names_ssn(field: Field) -> bool:
    column = field.column.rpartition(".")[2]
    return any(never_exported_type(name) == "ssn" for name in (field.id, field.path or column))
