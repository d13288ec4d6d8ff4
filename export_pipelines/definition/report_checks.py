"""A report against the catalog: metrics, dimensions, buckets and pivot that there are, and no person among the groups."""

from collections.abc import Iterator

from export_pipelines.catalog import Component, Dataset
from export_pipelines.catalog.dimensions import BUCKETS, WEEKDAY, dimensions_of, refusal, remaining
from export_pipelines.catalog.metrics import METRICS, metrics_over
from export_pipelines.definition.report import Report
from export_pipelines.definition.written import REPORT_KEYS, WrittenExport
from export_pipelines.errors import unknown
from export_pipelines.yaml.lines import Key

METRICS_LISTING, DIMENSIONS_LISTING = "export-pipelines fields metrics", "export-pipelines fields dimensions"
Faults = Iterator[tuple[Key, str]]
TIMES = frozenset({*BUCKETS, WEEKDAY})
BESIDE = {"week": frozenset({WEEKDAY}), "month": frozenset({WEEKDAY})}  # what cuts a bucket in another way
ROWS_ONLY = ("fields", "privacy", "sort")  # keys of exports of rows


def key_faults(written: WrittenExport) -> Faults:
    """Keys that the export's type does not have, and those that it needs."""
    keys = written.model_fields_set
    if written.type != "report":
        for key in REPORT_KEYS:
            if key in keys:
                yield (key,), f"{key}: only a report has this key; allowed: type: report, or leave it out"
        return
    for key in ROWS_ONLY:
        if key in keys:
            yield (
                (key,),
                f"{key}: a report has metrics and group_by instead, and names no person; leave it out",
            )
    if not written.metrics:
        yield ("type",), 'type: a report needs "metrics", a list such as [leads, cost, revenue]'


def report_faults(report: Report, dataset: Dataset) -> Faults:
    """Every fault of the report's keys, each well formed."""
    yield from _metrics(report)
    yield from _groups(report, dataset)
    yield from _together(report, dataset)
    if report.over == "leads" and report.time_basis == "event":
        yield (
            ("time_basis",),
            "time_basis: leads are counted by their submission; allowed: submission, or over: events",
        )
    yield from _pivot(report, dataset)


def _metrics(report: Report) -> Faults:
    allowed = metrics_over(report.over)
    for place, id in enumerate(report.metrics):
        key: Key = ("metrics", place)
        if id in report.metrics[:place]:
            yield key, f'metrics: "{id}" is chosen twice'
        elif id in METRICS and id not in allowed:
            yield (
                key,
                f'metrics: "{id}" needs events, and this report is over leads; allowed: {", ".join(allowed)}',
            )
        elif id not in METRICS:
            yield key, f"metrics: {unknown('metric', id, allowed, METRICS_LISTING)}"


def _groups(report: Report, dataset: Dataset) -> Faults:
    allowed = dimensions_of(dataset)
    seen: dict[str, str] = {report.every: "every"} if report.every else {}
    for place, id in enumerate(report.group_by):
        key: Key = ("group_by", place)
        if id not in allowed:
            yield key, f"group_by: {_refused(id, dataset)}"
            continue
        known = allowed[id].id
        if known in seen:
            yield key, f'group_by: "{id}" is chosen twice, as {seen[known]} already'
        seen[known] = f'"{id}"'
        if report.every and known != report.every and known in TIMES - BESIDE.get(report.every, frozenset()):
            yield key, f'group_by: "{id}" says again what `every: {report.every}` says; leave one of them out'


def _together(report: Report, dataset: Dataset) -> Faults:
    """Parts that would make a group of each value that they are parts of."""
    allowed = dimensions_of(dataset)
    before: set[str] = set()
    for place, id in enumerate(report.group_by):
        part = allowed[id].of if id in allowed else None
        if not isinstance(part, Component):
            continue
        before.add(part.id)
        for parts in part.field.semantic_type.apart:
            ids = [f"{part.field.id}.{name}" for name in sorted(parts)]
            if part.name in parts and before.issuperset(ids):
                yield (
                    ("group_by", place),
                    f"group_by: {' and '.join(ids)} together reveal {part.field.id}; leave one of them out",
                )


def _refused(id: str, dataset: Dataset) -> str:
    allowed = dimensions_of(dataset)
    field = dataset.by_id.get(id)
    reason = refusal(field, dataset) if field else None
    if field is None or reason is None:
        return unknown("dimension", id, allowed, DIMENSIONS_LISTING)
    instead = remaining(field, dataset)
    return (
        f"{reason}; allowed: {', '.join(instead)}"
        if instead
        else f"{reason} ({DIMENSIONS_LISTING} lists what to group by)"
    )


def _pivot(report: Report, dataset: Dataset) -> Faults:
    groups = dimensions_of(dataset)
    allowed = [*(id for id in report.group_by if id in groups), *([report.every] if report.every else [])]
    if report.pivot is None or report.pivot in allowed:
        return
    if not allowed:
        yield ("pivot",), "pivot: there is nothing to turn into columns; name it in group_by too"
        return
    text = unknown("pivot", report.pivot, allowed)
    yield ("pivot",), f"pivot: {text} (it is one of group_by, or the bucket of every)"
