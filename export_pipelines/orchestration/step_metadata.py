"""What each planning op added to the plan, as metadata of its step: SQL, predicates, columns, masks, format, codec."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from export_pipelines.plan.describe import describe_columns, describe_sql
from export_pipelines.plan.plan import PlanDraft

Metadata = dict[str, Any]


def step_metadata(name: str, plans: list[PlanDraft]) -> Metadata:
    """The plans of a run differ in their windows only: the first stands for all."""
    return _SHOW[name](plans) if plans else {}


def _extract(plans: list[PlanDraft]) -> Metadata:
    sections = [plan.extract for plan in plans if plan.extract]
    return {
        "source": f"{sections[0].dataset}, table {sections[0].table}, {sections[0].dialect}",
        "windows": len(sections),
        "first_window": str(sections[0].window),
        "last_window": str(sections[-1].window),
    }


def _filter(plans: list[PlanDraft]) -> Metadata:
    asked = plans[0].filter
    lines = asked.text if asked else ()
    shown = {"predicates": dg.MetadataValue.md(_code("\n".join(lines) or "every row of the window"))}
    if asked and asked.residual:
        shown["residual_predicates"] = dg.MetadataValue.md(_code("\n".join(asked.residual)))
    return shown


def _project(plans: list[PlanDraft]) -> Metadata:
    columns = plans[0].projection.columns if plans[0].projection else ()
    return {"columns": len(columns), "fields": dg.MetadataValue.md(_code(describe_columns(columns)))}


def _mask(plans: list[PlanDraft]) -> Metadata:
    masking, query = plans[0].masking, plans[0].query
    if masking is None or query is None:
        return {}
    return {
        "sql": dg.MetadataValue.md(_code(describe_sql(query), "sql")),
        "masks": dg.MetadataValue.json(
            {column.id: str(column.mask) for column in masking.columns if column.mask}
        ),
        "removed": dg.MetadataValue.json(list(masking.removed)),
        "keys": dg.MetadataValue.json(list(masking.key_ids)),
        "columns": len(masking.columns),
    }


def _serialize(plans: list[PlanDraft]) -> Metadata:
    encoding = plans[0].encoding
    if encoding is None:
        return {}
    return {"format": encoding.format, "options": dg.MetadataValue.json(encoding.options)}


def _compress(plans: list[PlanDraft]) -> Metadata:
    compression = plans[0].compression
    if compression is None:
        return {}
    level = {} if compression.level is None else {"level": compression.level}
    return {"codec": compression.codec, **level}


def _code(text: str, language: str = "") -> str:
    return f"```{language}\n{text}\n```"


_SHOW: dict[str, Callable[[list[PlanDraft]], Metadata]] = {
    "extract": _extract,
    "filter": _filter,
    "project_fields": _project,
    "mask_pii": _mask,
    "serialize": _serialize,
    "compress": _compress,
}
