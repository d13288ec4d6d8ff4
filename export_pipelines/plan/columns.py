"""The chosen fields as output columns: header, place in JSON, kind; a clash of two names is a RequestError."""

from collections.abc import Iterable, Sequence

from export_pipelines.catalog import Component, Dataset, Field, Kind
from export_pipelines.catalog.dimensions import SHIFTING
from export_pipelines.definition.output import FORMATS
from export_pipelines.definition.selection import resolve_fields
from export_pipelines.errors import RequestError, WindowError
from export_pipelines.plan.plan import OutputColumn, PlanDraft, Projection
from export_pipelines.plan.query.tables import ENDLESS, GIVE_AN_END
from export_pipelines.plan.request import PlanRequest


def project_fields(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds the projection. Raises RequestError for an unknown field or two columns of one name."""
    chosen = resolve_fields(request.definition, request.dataset)
    if not chosen:
        raise RequestError("no field is left to export", where=request.definition.at("fields"))
    columns = columns_of(chosen, request)
    for column in columns:
        if column.component in SHIFTING and request.age_day is None:
            where = request.definition.at("fields")
            raise WindowError(ENDLESS.format(column.id), where=where, remedy=GIVE_AN_END)
    return draft.model_copy(update={"projection": Projection(columns=columns)})


def columns_of(chosen: Sequence[Field | Component], request: PlanRequest) -> tuple[OutputColumn, ...]:
    """Columns in the order chosen, unmasked."""
    labels = request.definition.format.options.get("header") == "labels"
    columns = tuple(_column(field, labels) for field in chosen)
    require_distinct(columns, request)
    return columns


def without_repeats(columns: Iterable[OutputColumn], request: PlanRequest) -> tuple[OutputColumn, ...]:
    """In nested JSON, a value that lies in an object which is exported whole is not written a second time beside it."""
    columns = tuple(columns)
    if not FORMATS[request.definition.format.name].nested:
        return columns
    objects = {column.json_path for column in columns if column.kind is Kind.JSON and column.mask is None}
    kept = []
    for column in columns:
        inside = any(_within(column.json_path, path) for path in objects)
        if not inside:
            kept.append(column)
        elif column.component:
            kept.append(column.model_copy(update={"json_path": _beside(column.json_path)}))
    _require_tree(kept, request)
    return tuple(kept)


def _column(choice: Field | Component, labels: bool) -> OutputColumn:
    field = choice if isinstance(choice, Field) else choice.field
    *parents, name = field.id.split(".")
    path = (*parents, name) if isinstance(choice, Field) else (*parents, f"{name}_components", choice.name)
    return OutputColumn(
        id=choice.id,
        header=choice.label if labels else choice.id.replace(".", "_"),
        json_path=path,
        kind=choice.kind,
        scale=choice.decimal_scale if isinstance(choice, Field) else None,
        type=field.type,
        pii=choice.pii,
        required=field.required and isinstance(choice, Field),
        source=field.id,
        component=choice.name if isinstance(choice, Component) else None,
    )


def _beside(path: tuple[str, ...]) -> tuple[str, ...]:
    """`custom.work_email_components.domain` as `custom_components.work_email.domain`, outside of the raw object."""
    return (f"{path[0]}_components", *(step.removesuffix("_components") for step in path[1:-1]), path[-1])


def _within(path: tuple[str, ...], parent: tuple[str, ...]) -> bool:
    return len(path) > len(parent) and path[: len(parent)] == parent


def require_distinct(columns: Iterable[OutputColumn], request: PlanRequest) -> None:
    """Raises RequestError for two columns under one header."""
    seen: dict[str, str] = {}
    for column in columns:
        if column.header in seen:
            raise RequestError(
                f'{seen[column.header]} and {column.id} would both be the column "{column.header}"',
                where=request.definition.at("fields"),
                remedy="choose one of them, or rename one in the catalog",
            )
        seen[column.header] = column.id


def _require_tree(columns: Sequence[OutputColumn], request: PlanRequest) -> None:
    paths = {column.json_path: column.id for column in columns}
    for column in columns:
        for length in range(1, len(column.json_path)):
            other = paths.get(column.json_path[:length])
            if other:
                raise RequestError(
                    f"in JSON, {column.id} would lie inside {other}, which is a plain value",
                    where=request.definition.at("fields"),
                    remedy="choose one of them, or rename one in the catalog",
                )


def source_fields(dataset: Dataset, ids: Iterable[str]) -> tuple[Field, ...]:
    """The fields with these ids, each once, in order of first appearance."""
    fields = (dataset.find(id) for id in dict.fromkeys(ids))
    return tuple(field for field in fields if isinstance(field, Field))
