"""Checks of an export, evaluated in the run that wrote it, each window by itself; partitioned like the export."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from statistics import mean

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.contract import changes_of, reader_columns
from export_pipelines.definition.output import FORMATS
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.edges import Done
from export_pipelines.orchestration.history import TRAILING, History

DELIVERED, DEFINITION = "delivered", "definition"
FEWEST = 3  # with fewer there is nothing to compare with
LEAST, MOST = 0.5, 2.0  # of the mean

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
Finding = tuple[str | None, dg.AssetCheckSeverity]  # what is wrong, None for nothing; and how much


def evaluations(
    asset: dg.AssetKey, done: Sequence[Done], history: History, partitioned: bool
) -> Iterator[dg.AssetCheckEvaluation]:
    """Each check of each window that has an artifact; of one that has none, nothing could be looked at.

    `history` is of the export's artifacts, those of this run among them.
    """
    for outcome in done:
        if outcome.manifest is None:
            continue
        for name, (_, find) in _FIND.items():
            yield _evaluation(
                asset, name, outcome.key, partitioned, *find(outcome, outcome.manifest, history)
            )


def check_specs(
    asset: dg.AssetKey, partitions: dg.PartitionsDefinition | None = None
) -> list[dg.AssetCheckSpec]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # of partitions; a person can do nothing about it
        return [
            dg.AssetCheckSpec(DEFINITION, asset=asset, description="The export's file can be read"),
            *(
                dg.AssetCheckSpec(name, asset=asset, description=text, partitions_def=partitions)
                for name, (text, _) in _FIND.items()
            ),
        ]


def definition_check(asset: dg.AssetKey, fault: str | None = None) -> dg.AssetCheckEvaluation:
    """Of the export itself, whatever its partitions."""
    return dg.AssetCheckEvaluation(
        asset_key=asset, check_name=DEFINITION, passed=fault is None, severity=ERROR, description=fault
    )


def delivered_check(
    asset: dg.AssetKey, key: str, partitioned: bool, fault: str | None
) -> dg.AssetCheckEvaluation:
    """The check `delivered` of one window, told outside of the op that evaluates all; it passes without a fault."""
    return _evaluation(asset, DELIVERED, key, partitioned, fault, ERROR)


def report(context: dg.OpExecutionContext, evaluation: dg.AssetCheckEvaluation) -> None:
    """Records an evaluation at once, whatever becomes of the op. It belongs to the run: of those without a run Dagster
    takes one for each partition, and then never another."""
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
        job_name=context.job_name,
        event_specific_data=evaluation,
    )
    context.instance.report_dagster_event(event, context.run_id)


def _evaluation(
    asset: dg.AssetKey,
    name: str,
    key: str,
    partitioned: bool,
    fault: str | None,
    severity: dg.AssetCheckSeverity,
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=name,
        passed=fault is None,
        severity=severity,
        description=f"{key}: {fault}" if fault else None,
        metadata={"window": key},
        partition=key if partitioned else None,
    )


def _row_count(_: Done, manifest: Manifest, history: History) -> Finding:
    return unusual_row_count(manifest, history), WARN


def unusual_row_count(manifest: Manifest, history: History) -> str | None:
    """What is odd about the rows of an artifact, compared with those before it; None for nothing."""
    before = [previous.set_rows for previous in history.trailing(manifest)]
    usual = mean(before) if len(before) >= FEWEST else manifest.set_rows
    if LEAST * usual <= manifest.set_rows <= MOST * usual:
        return None
    return f"{manifest.set_rows:,} rows; the mean of the {len(before)} windows before is {usual:,.0f}"


def unusual(manifest: Manifest, history: History, now: datetime) -> Alert | None:
    """What the alert sensor tells those who want to know of odd row counts."""
    text = unusual_row_count(manifest, history)
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


def _required(_: Done, manifest: Manifest, history: History) -> Finding:
    null = {name: rows for name, rows in manifest.null_required.items() if rows}
    text = "; ".join(f"{name}: null in {rows:,} rows" for name, rows in null.items())
    return text or None, ERROR if manifest.set_rows in null.values() else WARN


def _schema(_: Done, manifest: Manifest, history: History) -> Finding:
    if not manifest.schema_changed:
        return None, WARN
    return f"schema version {manifest.schema_version}: {_change(manifest, history)}", WARN


def _change(manifest: Manifest, history: History) -> str:
    """Which columns came, went, or changed since the version before."""
    old = next(
        (item for item in history.newest_first if item.schema_version == manifest.schema_version - 1), None
    )
    nested = FORMATS[manifest.format].nested
    before = reader_columns(old.columns, nested) if old else ()
    changes = changes_of(before, reader_columns(manifest.columns, nested), nested)
    return "; ".join((*changes.breaking, *changes.added)) or "other masks, or another order of columns"


def _delivered(done: Done, manifest: Manifest, history: History) -> Finding:
    return done.faults[0].text if done.faults else None, ERROR


_FIND: dict[str, tuple[str, Callable[[Done, Manifest, History], Finding]]] = {
    "row_count_trailing_mean": (
        f"Rows are between {LEAST:.0%} and {MOST:.0%} of the mean of up to {TRAILING} windows before",
        _row_count,
    ),
    "required_fields_not_null": ("No required column is null; an error when it always is", _required),
    "schema_contract": ("Columns, types and masks are those of the artifact before", _schema),
    DELIVERED: ("Every destination has the window's artifact", _delivered),
}
CHECKS = (DEFINITION, *_FIND)
