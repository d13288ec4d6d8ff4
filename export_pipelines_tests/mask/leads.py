"""Leads as a source gives them, and what a real plan, compiled from the catalog and a `privacy`, lets out of them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from export_pipelines import mask
from export_pipelines.catalog import load_catalog
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.export import ExportDefinition, Limits
from export_pipelines.definition.output import Format
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window import window_of
from export_pipelines.transform.schema import arrow_type

KEYS = Keys.from_bytes(b"h" * 40, b"m" * 40)
Lead = Mapping[str, Any]
Privacy = Mapping[str, str]


def plan_of(
    fields: Sequence[str], privacy: Privacy, type: str = "lead", *, catalog: Path | None = None
) -> Plan:
    """The plan of a daily export of these fields. Raises RequestError for a privacy that is refused."""
    return _plan_of(tuple(fields), tuple(privacy.items()), type, catalog)


@cache
def _plan_of(
    fields: tuple[str, ...], privacy: tuple[tuple[str, str], ...], type: str, catalog: Path | None
) -> Plan:
    definition = ExportDefinition(
        name="daily",
        path=Path("exports/daily.yaml"),
        type=type,
        format=Format(name="json"),
        fields=fields,
        partition="daily",
        privacy=dict(privacy),
        limits=Limits(),
        deliver=(FolderSettings(path="backup/{{date}}"),),
    )
    window = window_of(definition, "2024-01-15")
    return compile_plan(PlanRequest(definition, window, load_catalog(catalog), "sqlite", KEYS.names))


def batch_of(plan: Plan, leads: Sequence[Lead]) -> pa.RecordBatch:
    """What a source reads of `leads`, which hold values by the ids of fields; what they lack is null."""
    columns = plan.query.columns
    unknown = {id for lead in leads for id in lead} - {column.name for column in columns}
    assert not unknown, f"the plan does not read {unknown}"
    marked = plan.query.marked  # comes as text, in which the SELECT marks JSON that does not parse
    arrays = [
        pa.array(_texts(leads, column.name), pa.string())
        if column.name in marked
        else pa.array([lead.get(column.name) for lead in leads], arrow_type(column.kind, column.scale))
        for column in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def _texts(leads: Sequence[Lead], id: str) -> list[str | None]:
    return [None if (value := lead.get(id)) is None else str(value) for lead in leads]


def masked(plan: Plan, leads: Sequence[Lead]) -> mask.Masked:
    return mask.apply(plan, batch_of(plan, leads), KEYS)


def shown(
    leads: Sequence[Lead], fields: Sequence[str], privacy: Privacy, type: str = "lead"
) -> list[dict[str, Any]]:
    """The rows that go out, by the ids of fields."""
    return masked(plan_of(fields, privacy, type), leads).frame.to_dicts()


def row(lead: Lead, fields: Sequence[str], privacy: Privacy, type: str = "lead") -> dict[str, Any]:
    """The row that goes out of one lead."""
    (masked_row,) = shown([lead], fields, privacy, type)
    return masked_row


def value(lead: Lead, field: str, word: str | None) -> Any:
    """The value of one field that goes out under this word, or without privacy."""
    return row(lead, [field], {field: word} if word else {})[field]


def comment(text: str | None, **lead: Any) -> str | None:
    """A comment, redacted; `lead` are other values of the lead."""
    text_shown: str | None = value({"comments": text, **lead}, "comments", "redact")
    return text_shown


def custom(text: str | None, word: str | None = "redact", **lead: Any) -> str | None:
    """The object `custom` of a lead under this word."""
    text_shown: str | None = value({"custom": text, **lead}, "custom", word)
    return text_shown
