"""Whether an artifact holds what a plan would give today, so that no window is exported twice."""

from collections.abc import Iterable
from typing import Any

from export_pipelines.artifacts.manifest import Manifest, ManifestColumn
from export_pipelines.plan.fingerprint import fingerprint, is_comparable
from export_pipelines.plan.plan import OutputColumn, Plan

Columns = Iterable[OutputColumn | ManifestColumn]


def holds_content_of(plan: Plan, manifest: Manifest) -> bool:
    """By their fingerprints. What was made by a release without them, or with those of another version, is compared by
    what its manifest tells: window, columns, kinds, masks, keys, format, codec, no override at launch."""
    if is_comparable(manifest.fingerprint):
        return manifest.fingerprint == fingerprint(plan)
    return _stored(manifest) == _planned(plan) and (
        (plan.report is not None and plan.report.pivot is not None)  # whose columns are known when it has run
        or _stated(manifest.columns) == _stated(plan.masking.columns)
    )


def _stored(manifest: Manifest) -> list[Any]:
    return [
        manifest.type,
        manifest.window,
        manifest.format,
        manifest.options,
        manifest.codec,
        manifest.removed,
        manifest.key_ids,
        list(manifest.overrides),
    ]


def _planned(plan: Plan) -> list[Any]:
    return [
        plan.type,
        plan.extract.window,
        plan.encoding.format,
        plan.encoding.options,
        plan.compression.codec,
        plan.masking.removed,
        plan.masking.key_ids,
        sorted(plan.overrides.get("filter", {})),
    ]


def _stated(columns: Columns) -> list[Any]:
    return [
        (
            column.header if isinstance(column, OutputColumn) else column.name,
            column.id,
            column.kind,
            column.scale,
            column.mask,
        )
        for column in columns
    ]
