"""Checks of an export, evaluated in the run that wrote it, over all windows of the run."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from statistics import mean

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.edges import Done

TRAILING = 7  # artifacts before, at most
DELIVERED = "delivered"
FEWEST = 3  # with fewer there is nothing to compare with
LEAST, MOST = 0.5, 2.0  # of the mean

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
Finding = tuple[dict[str, str], dg.AssetCheckSeverity]  # window key -> what is wrong there


def check_results(done: Sequence[Done], stored: Sequence[Manifest]) -> list[dg.AssetCheckResult]:
    """One result for each check; `stored` are the export's artifacts, those of this run among them."""
    return [_result(name, *find(done, stored)) for name, (_, find) in _FIND.items()]


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [dg.AssetCheckSpec(name, asset=asset, description=text) for name, (text, _) in _FIND.items()]


def delivered_check(asset: dg.AssetKey, faults: Sequence[str]) -> dg.AssetCheckEvaluation:
    """The check `delivered`, told outside of the op that evaluates all: it passes without `faults`."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=DELIVERED,
        passed=not faults,
        severity=ERROR,
        description="\n".join(faults) or None,
    )


def trailing(manifest: Manifest, stored: Iterable[Manifest]) -> list[Manifest]:
    """The newest artifact of each of the windows before this one, at most TRAILING; for the same window again, as
    with an export without partitions, those written before."""
    before: dict[str, Manifest] = {}
    for one in sorted(stored, key=lambda one: one.created_at):
        earlier = one.window.start < manifest.window.start or one.window == manifest.window
        if one.artifact != manifest.artifact and earlier:
            before[one.window.key if one.window != manifest.window else one.artifact] = one
    others = [one for one in before.values() if one.window != manifest.window]
    chosen = others or [one for one in before.values() if one.created_at <= manifest.created_at]
    return sorted(chosen, key=lambda one: (one.window.start, one.created_at))[-TRAILING:]


def _row_count(done: Sequence[Done], stored: Sequence[Manifest]) -> Finding:
    texts = {one.window.key: unusual_row_count(one, stored) for one in _manifests(done)}
    return {key: text for key, text in texts.items() if text}, WARN


def unusual_row_count(manifest: Manifest, stored: Iterable[Manifest]) -> str | None:
    """What is odd about the rows of an artifact, compared with those before it; None for nothing."""
    before = [one.rows for one in trailing(manifest, stored)]
    usual = mean(before) if len(before) >= FEWEST else manifest.rows
    if LEAST * usual <= manifest.rows <= MOST * usual:
        return None
    return f"{manifest.rows:,} rows; the mean of the {len(before)} windows before is {usual:,.0f}"


def unusual(manifest: Manifest, stored: Iterable[Manifest], now: datetime) -> Alert | None:
    """What the alert sensor tells those who want to know of odd row counts."""
    text = unusual_row_count(manifest, stored)
    if text is None:
        return None
    return Alert(
        key=f"anomaly {manifest.artifact}",
        export=manifest.export,
        kind="anomaly",
        text=f"window {manifest.window.key}: {text}",
        then=f"export-pipelines preview {manifest.export} --partition {manifest.window.key}",
        noticed_at=now,
    )


def _required(done: Sequence[Done], _: Sequence[Manifest]) -> Finding:
    found, severity = {}, WARN
    for manifest in _manifests(done):
        null = {name: rows for name, rows in manifest.null_required.items() if rows}
        if null:
            found[manifest.window.key] = "; ".join(
                f"{name}: null in {rows:,} rows" for name, rows in null.items()
            )
        if manifest.rows in null.values():
            severity = ERROR
    return found, severity


def _schema(done: Sequence[Done], stored: Sequence[Manifest]) -> Finding:
    found = {}
    for manifest in _manifests(done):
        if manifest.schema_changed:
            found[manifest.window.key] = (
                f"schema version {manifest.schema_version}: {_change(manifest, stored)}"
            )
    return found, WARN


def _change(manifest: Manifest, stored: Sequence[Manifest]) -> str:
    """Which columns came, went, or changed since the version before."""
    old = [one for one in stored if one.schema_version == manifest.schema_version - 1]
    was = {column.name: column for column in old[0].columns} if old else {}
    now = {column.name: column for column in manifest.columns}
    changes = {
        "new": [name for name in now if name not in was],
        "gone": [name for name in was if name not in now],
        "changed": [name for name in now if name in was and now[name] != was[name]],
    }
    text = "; ".join(f"{word}: {', '.join(names)}" for word, names in changes.items() if names)
    return text or "another order of columns"


def _delivered(done: Sequence[Done], _: Sequence[Manifest]) -> Finding:
    return {one.key: one.faults[0].text for one in done if one.faults}, ERROR


def _manifests(done: Sequence[Done]) -> list[Manifest]:
    return [one.manifest for one in done if one.manifest]


def _result(name: str, found: dict[str, str], severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=not found,
        severity=severity,
        description="\n".join(f"{key}: {text}" for key, text in found.items()) or None,
        metadata={"windows": dg.MetadataValue.json(found), "found": len(found)},
    )


_FIND: dict[str, tuple[str, Callable[[Sequence[Done], Sequence[Manifest]], Finding]]] = {
    "row_count_trailing_mean": (
        f"Rows are between {LEAST:.0%} and {MOST:.0%} of the mean of up to {TRAILING} windows before",
        _row_count,
    ),
    "required_fields_not_null": ("No required column is null; an error when it always is", _required),
    "schema_contract": ("Columns, types and masks are those of the artifact before", _schema),
    DELIVERED: ("Every window was written, and every destination has it", _delivered),
}
CHECKS = tuple(_FIND)
