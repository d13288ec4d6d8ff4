"""The fingerprint: what identifies the content of a run, however its SQL is spelled and wherever it is delivered."""

import hashlib
import json
from typing import Any

from export_pipelines.plan.plan import OutputColumn, Plan, Report, Window
from export_pipelines.plan.query.query import Criterion, Reference
from export_pipelines.plan.window import WHOLE_KEY

VERSION = "1"  # another one for every change of what `_content` says of the same content


def fingerprint(plan: Plan) -> str:
    """`<version>:<SHA-256>` over rows, order, columns, masks, keys, encoding and how parts are cut and named.

    Equal fingerprints and equal stored rows give equal bytes. What rights narrow is part of it;
    SQL, the kind of database, destinations, limits and people are not. Raises FatalError for a plan whose references are not bound.
    """
    return f"{VERSION}:{_digest(_content(plan))}"


def definition_fingerprint(plan: Plan) -> str:
    """The same without the window, and without what depends on it: equal for plans of the same rows, columns, masks, keys and
    encoding in different windows."""
    content = {name: value for name, value in _content(plan).items() if name not in ("window", "parts")}
    return f"{VERSION}:{_digest(content)}"


def is_comparable(recorded: str | None) -> bool:
    """Whether a recorded fingerprint is of this version: of another one, nobody can tell what it says of a plan."""
    return bool(recorded) and str(recorded).partition(":")[0] == VERSION


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(plan: Plan) -> dict[str, Any]:
    """Named one by one: a new attribute of a plan changes no fingerprint by itself. What is added later has to stand here
    only where it is asked for, or with another VERSION."""
    masking, rows, output = plan.masking, plan.query.rows, plan.output
    return {
        "dataset": plan.extract.dataset,
        "window": [plan.extract.window_field, *_window(plan.extract.window)],
        "rows": [_criterion(criterion) for criterion in rows.asked],
        "order": rows.order,
        "origin": rows.origin,
        "bad json": plan.query.bad_json_is_null,
        "report": _report(plan.report) if plan.report else None,
        "columns": [_column(column) for column in masking.columns],
        "own": masking.own,
        "never": masking.never,
        "keys": masking.key_ids,
        "format": [plan.encoding.format, plan.encoding.options],
        "codec": [plan.compression.codec, plan.compression.level],
        "parts": [output.part_rows, output.part_bytes, output.part_name],
        **({"version": plan.version} if plan.version != 1 else {}),
        **({"changes": plan.changes.key} if plan.changes else {}),
    }


def _window(window: Window) -> list[str]:
    """A partition and the same days given by hand hold the same; the whole history has rows without a time besides."""
    if window.key == WHOLE_KEY:
        return [WHOLE_KEY]
    return [window.start.isoformat(), window.end.isoformat()]


def _criterion(criterion: Criterion) -> list[Any]:
    # a field of `where` has several names (`email` is `lead.email` of an event), a rule's place is its place in the tree
    place = "filter.where" if criterion.place.startswith("filter.where.") else criterion.place
    values = [value.bound if isinstance(value, Reference) else value for value in criterion.values]
    return [place, criterion.field, criterion.op, values]


def _report(report: Report) -> list[Any]:
    series = report.series
    cut = series and [series.every, series.fill, series.start, series.end]
    least = [report.min_group] if report.min_group is not None else []
    return [
        report.over,
        report.keys,
        report.metrics,
        cut,
        report.pivot,
        report.totals,
        report.missing,
        *least,
    ]


def _column(column: OutputColumn) -> list[Any]:
    return [
        column.id,
        column.header,
        column.json_path,
        column.kind,
        column.scale,
        column.type,
        column.source,
        column.component,
        column.mask,
        [[seal.path, seal.type, seal.mask, seal.query] for seal in column.seals],
        column.query,
    ]
