"""A report's two steps of the plan: its columns, and the query that groups the rows in the source."""

from collections.abc import Iterator, Mapping

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.catalog.dimensions import Dimension, dimensions_of
from export_pipelines.catalog.metrics import METRICS, Metric
from export_pipelines.definition.report import Report as Asked
from export_pipelines.definition.words import WEEKDAYS
from export_pipelines.errors import RequestError, unknown
from export_pipelines.plan.columns import require_distinct
from export_pipelines.plan.plan import Masking, OutputColumn, PlanDraft, Projection, Report, Series, added
from export_pipelines.plan.query.suspects import with_suspects
from export_pipelines.plan.report.query import TOTAL, report_query
from export_pipelines.plan.report.unavailable import unavailable_metrics
from export_pipelines.plan.report.ungrouped import ungrouped
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE_KEY, before


def project_report(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds the report and its columns, as they are before a pivot. Raises RequestError for a word that is none."""
    asked = _asked(request)
    keys, metrics = _keys(request, asked), _metrics(request, asked)
    unavailable = unavailable_metrics(request, asked, keys, metrics)
    report = Report(
        over=asked.over,
        keys=tuple(key.id for key in keys),
        metrics=tuple(metric.id for metric in metrics),
        series=_series(request, asked),
        pivot=_dimension(request, asked.pivot, "pivot").id if asked.pivot else None,
        totals=asked.totals,
        min_group=request.rights.effective.min_group if request.rights else None,
        missing=tuple(id for ids in unavailable.values() for id in ids),
        notes=tuple(_notes(request, asked, unavailable)),
    )
    labels = request.definition.format.options.get("header") == "labels"
    columns = [_key_column(key, labels) for key in keys]
    if asked.totals:
        columns.append(_column(TOTAL, "Is total", "boolean", labels))
    columns += [_metric_column(metric, labels) for metric in metrics]
    require_distinct(columns, request)
    return draft.model_copy(update={"report": report, "projection": Projection(columns=tuple(columns))})


def query_report(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds the query. No column of a report tells a person, so none is masked. Raises RequestError."""
    columns = added(draft.projection, "project_fields").columns
    report = added(draft.report, "project_fields")
    query = with_suspects(report_query(report, request), request)
    query = query.model_copy(update={"ungrouped": ungrouped(report, request)})
    return draft.model_copy(update={"masking": Masking(columns=columns), "query": query})


def _asked(request: PlanRequest) -> Asked:
    asked = request.definition.report
    if asked is None or not asked.metrics:
        raise RequestError(
            "a report needs metrics",
            where=request.definition.at("metrics"),
            remedy="metrics: [leads, cost, revenue]",
        )
    return asked


def _keys(request: PlanRequest, asked: Asked) -> tuple[Dimension, ...]:
    dimensions = [_dimension(request, asked.every, "every")] if asked.every else []
    dimensions += [_dimension(request, id, "group_by", place) for place, id in enumerate(asked.group_by)]
    return tuple({dimension.id: dimension for dimension in dimensions}.values())


def _dimension(request: PlanRequest, id: str, *key: str | int) -> Dimension:
    allowed = dimensions_of(request.dataset)
    if id not in allowed:
        raise RequestError(unknown("dimension", id, allowed), where=request.definition.at(*key))
    return allowed[id]


def _metrics(request: PlanRequest, asked: Asked) -> tuple[Metric, ...]:
    for place, id in enumerate(asked.metrics):
        if id not in METRICS:
            raise RequestError(unknown("metric", id, METRICS), where=request.definition.at("metrics", place))
    return tuple(METRICS[id] for id in dict.fromkeys(asked.metrics))


def _series(request: PlanRequest, asked: Asked) -> Series | None:
    if asked.every is None:
        return None
    window, chosen = request.window, request.definition.filter
    series = Series(
        every=asked.every,
        fill=asked.fill,
        dates=chosen.dates,
        weekdays=tuple(sorted({WEEKDAYS.index(name) for name in chosen.weekdays})),
        hours=chosen.hours,
    )
    if window.key == WHOLE_KEY:
        return series
    start = max(window.start, before(window.end, chosen.last)) if chosen.last else window.start
    return series.model_copy(update={"start": start, "end": window.end})


def _notes(request: PlanRequest, asked: Asked, unavailable: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if asked.basis == "event":
        yield f"by event time ({request.dataset.window}); by submission time the numbers differ"
    else:
        yield f"by submission time ({request.dataset.window}); by event time the numbers differ"
    for reason, ids in unavailable.items():
        yield f"{reason}: {', '.join(ids)}"


def _key_column(key: Dimension, labels: bool) -> OutputColumn:
    return _column(key.id, key.label, key.type, labels).model_copy(
        update={"kind": key.kind, "scale": key.scale}
    )


def _metric_column(metric: Metric, labels: bool) -> OutputColumn:
    column = _column(metric.id, metric.label, metric.type, labels)
    return column.model_copy(update={"kind": metric.kind, "scale": metric.scale})


def _column(id: str, label: str, type: str, labels: bool) -> OutputColumn:
    return OutputColumn(
        id=id,
        header=label if labels else id.replace(".", "_"),
        json_path=tuple(id.split(".")),
        kind=Kind.BOOLEAN,
        type=type,
        pii=PiiClass.NONE,
        source=id,
    )
