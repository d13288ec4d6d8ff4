"""What a report may group by: fields that tell no person, parts that remain of the others, and buckets of time."""

from dataclasses import dataclass
from typing import Literal, get_args

from export_pipelines.catalog.dataset import Dataset
from export_pipelines.catalog.field import Component, Field, PiiClass
from export_pipelines.catalog.metrics import METRICS
from export_pipelines.catalog.semantic_types import Kind

Bucket = Literal["hour", "day", "week", "month"]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
WEEKDAY = "weekday"
# LeadConduit's words for what has a longer name here.
SHORT = {
    "flow": "flow.name",
    "source": "source.name",
    "recipient": "recipient.name",
    "product": "custom.product_type",
}
GROUPED = frozenset({Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.DATE})
SHIFTING = frozenset({"age"})  # a part that depends on the day of the run


@dataclass(frozen=True)
class Dimension:
    """A field or component (`of`), or the bucket of the window's time; `id` is the column's."""

    id: str
    label: str
    kind: Kind
    scale: int | None = None
    of: Field | Component | None = None

    @property
    def type(self) -> str:
        if self.of is None:
            return str(self.kind)
        return self.of.type if isinstance(self.of, Field) else self.of.field.type


def dimensions_of(dataset: Dataset) -> dict[str, Dimension]:
    """All that a report over `dataset` may group by, by id and by LeadConduit's shorter words."""
    dimensions = {id: _of(field) for id, field in dataset.by_id.items() if refusal(field, dataset) is None}
    dimensions |= {
        bucket: Dimension(bucket, bucket.capitalize(), Kind.TIMESTAMP if bucket == "hour" else Kind.DATE)
        for bucket in BUCKETS
    }
    dimensions[WEEKDAY] = Dimension(WEEKDAY, "Weekday (1 is Monday)", Kind.INTEGER)
    return dimensions | {word: dimensions[id] for word, id in SHORT.items() if id in dimensions}


def refusal(field: Field | Component, dataset: Dataset) -> str | None:
    """Why a report may not group by `field`; None when it may."""
    if field.id in ("lead_id", dataset.order[-1]):
        return f'"{field.id}" tells single rows apart, it does not group them'
    if field.id in METRICS:
        return f'"{field.id}" is a metric of reports'
    if field.pii is not PiiClass.NONE:
        return f'"{field.id}" identifies a person ({field.pii} PII)'
    return _of_no_groups(field)


def _of_no_groups(operand: Field | Component) -> str | None:
    field = operand if isinstance(operand, Field) else operand.field
    if not field.semantic_type.exportable:
        return f'"{operand.id}" is of type {field.type}, which is never exported'
    if isinstance(operand, Component) and operand.name in SHIFTING:
        return f'"{operand.id}" changes with the day of the run'
    grouped = operand.kind in GROUPED or field.type == "currency"
    return None if grouped else f'"{operand.id}" holds {operand.kind}, which makes no groups'


def remaining(operand: Field | Component, dataset: Dataset) -> list[str]:
    """The parts of a field that a report may group by in its place."""
    field = operand if isinstance(operand, Field) else operand.field
    return [part.id for part in field.components if refusal(part, dataset) is None]


def _of(field: Field | Component) -> Dimension:
    scale = field.decimal_scale if isinstance(field, Field) else None
    return Dimension(field.id, field.label, field.kind, scale, field)
