"""The manifest of a run: what its plan asked for and what was written."""

from collections.abc import Iterable
from datetime import UTC, datetime

from export_pipelines.artifacts import (
    FORMAT_VERSION,
    NO_ACCESS_FILE,
    ColumnStatistics,
    Manifest,
    ManifestColumn,
    Part,
)
from export_pipelines.changes_base import Compared
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.plan.plan import OutputColumn, Plan, Window, schema_hash
from export_pipelines.run.statistics import Written


def manifest_of(
    plan: Plan,
    written: Written,
    artifact: str,
    at: datetime,
    before: Manifest | None,
    compared: Compared | None = None,
) -> Manifest:
    """What a run wrote into `artifact`, finished `at` a moment; `before` is the export's artifact before it."""
    masking, encoding = plan.masking, plan.encoding
    version, changed = _schema_version(written, before)
    return Manifest(
        format_version=FORMAT_VERSION,
        artifact=artifact,
        export=plan.export,
        type=plan.type,
        created_at=at.astimezone(UTC),
        window=plan.extract.window,
        fingerprint=fingerprint(plan),
        plan_hash="",
        schema_hash=schema_hash(written.columns),
        schema_version=version,
        schema_changed=changed,
        version=plan.version,
        format=encoding.format,
        options=encoding.options,
        media_type=encoding.media_type,
        codec=plan.compression.codec,
        columns=_with_statistics(written),
        removed=masking.removed,
        key_ids=masking.key_ids,
        rights=plan.rights.model_dump(mode="json") if plan.rights else dict(NO_ACCESS_FILE),
        overrides=tuple(sorted(plan.overrides.get("filter", {}))),
        notes=plan.report.notes if plan.report else (),
        rows=written.rows,
        bytes=sum(part.bytes for part in written.parts),
        raw_bytes=written.raw_bytes,
        null_required=written.null_required,
        bad_json=written.bad_json,
        masked_values=written.masked_values,
        neutralised_cells=written.cells.neutralised,
        like_null=dict(written.cells.like_null),
        as_text=dict(written.cells.as_text),
        seconds=written.seconds,
        recipes=plan.output.recipes,
        parts=_parts(plan.extract.window, written),
        changes=compared and compared.stated(plan),
        row_digests=compared and compared.file(plan.extract.window),
    ).with_digest()


def manifest_columns(columns: Iterable[OutputColumn]) -> tuple[ManifestColumn, ...]:
    """As a manifest lists them."""
    return tuple(
        ManifestColumn(
            name=column.header,
            id=column.id,
            path=column.json_path,
            kind=column.kind,
            scale=column.scale,
            pii=column.pii,
            mask=column.mask,
        )
        for column in columns
    )


def _with_statistics(written: Written) -> tuple[ManifestColumn, ...]:
    return tuple(
        column.model_copy(
            update={"statistics": ColumnStatistics.model_validate(written.values[column.id].stated())}
        )
        if column.id in written.values
        else column
        for column in manifest_columns(written.columns)
    )


def _parts(window: Window, written: Written) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=part.name,
            rows=part.rows,
            bytes=part.bytes,
            raw_bytes=part.raw_bytes,
            sha256=part.sha256,
            window=window,
        )
        for part in written.parts
    )


def _schema_version(written: Written, before: Manifest | None) -> tuple[int, bool]:
    """The version that readers of the files know the columns by, and whether it is a new one."""
    if before is None:
        return 1, False
    changed = before.schema_hash != schema_hash(written.columns)
    return before.schema_version + changed, changed
