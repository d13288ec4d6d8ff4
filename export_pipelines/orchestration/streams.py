"""A stream in Dagster: an asset that is observed every minute, a run that lasts for hours, and a sensor that asks for the next."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from export_pipelines import logs
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.selection import resolve_fields
from export_pipelines.ledger import Streams
from export_pipelines.lineage.source_columns import dataset_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.code_reference import code_reference
from export_pipelines.orchestration.delivery_retries import UNFINISHED
from export_pipelines.orchestration.failing import as_dagster_failure, interruptible
from export_pipelines.orchestration.lineage import lineage_of, table_keys
from export_pipelines.orchestration.run_tags import EXPORT_TAG
from export_pipelines.plan.window import moment_named
from export_pipelines.project_streams import replay_stream, run_stream
from export_pipelines.streaming.observer import StreamProgress

EVERY_S = 30
OBSERVE_S = 60.0
RUN_FOR = timedelta(hours=2)  # then the sensor asks for a successor, to whom the run hands over
LONGEST_S = 4 * 3600  # for a run that nobody succeeds
PAUSES_S = (0, 30, 60, 120, 300)  # after so many failed runs in a row
LOOKED_AT = len(PAUSES_S)


class StreamParts(NamedTuple):
    """What Dagster has of a stream."""

    asset: dg.AssetSpec
    jobs: tuple[dg.JobDefinition, ...]
    sensor: dg.SensorDefinition


def stream_parts(definition: ExportDefinition, location: CodeLocation) -> StreamParts:
    """The asset, its job and that of replays, and the sensor, which is off until somebody turns it on."""
    job = _job(definition, location)
    replay = _replay_job(definition, location)
    return StreamParts(_asset(definition, location), (job, replay), _sensor(definition, job, location))


def _asset(definition: ExportDefinition, location: CodeLocation) -> dg.AssetSpec:
    assert definition.stream is not None
    dataset = dataset_of(definition, location.project.catalog)
    named = [(field.id, field.id) for field in resolve_fields(definition, dataset)]
    kinds = (location.project.settings.dialect, definition.format.name, definition.stream.kind)
    owner = definition.owner
    return dg.AssetSpec(
        key=location.asset_key(definition),
        description=definition.description or f"The stream {definition.name}",
        group_name=location.named(definition.type),
        deps=table_keys(definition, location),
        metadata={
            **code_reference(location.project.file_of(definition)),
            "dagster/column_lineage": lineage_of(named, dataset, None, location),
        },
        kinds=set(kinds),
        owners=[owner if "@" in owner else f"team:{owner}"] if owner else None,
    )


class _Observations:
    """Gives Dagster what the stream does, once a minute, with numbers that it plots."""

    def __init__(self, context: dg.OpExecutionContext, key: dg.AssetKey) -> None:
        self.context, self.key = context, key
        self._last: StreamProgress | None = None
        self._newest: StreamProgress | None = None
        self._next = 0.0

    def progress(self, progress: StreamProgress) -> None:
        self._newest = progress
        if time.monotonic() >= self._next:
            self.observe()

    def observe(self) -> None:
        """What became of the stream since the last observation."""
        if self._newest is not None and self._newest is not self._last:
            self._next = time.monotonic() + OBSERVE_S
            metadata = self._metadata(self._newest)
            self.context.log_event(dg.AssetObservation(asset_key=self.key, metadata=metadata))
            self._last = self._newest

    def waiting(self, error: Exception, seconds: float) -> None:
        self.context.log.warning(f"waiting {seconds:.1f} s: {error}")

    def _metadata(self, progress: StreamProgress) -> dict[str, float | int | str]:
        before = self._last
        rows = progress.rows - (before.rows if before else 0)
        seconds = progress.seconds - (before.seconds if before else 0.0)
        metadata: dict[str, float | int | str] = {
            "rows": rows,
            "rows a second": round(rows / seconds, 1) if seconds > 0 else 0.0,
            "batches": progress.batches - (before.batches if before else 0),
            "next sequence": progress.sequence,
            "late": progress.late,
            "maybe double": progress.doubtful,
            "dead letters": progress.dead,
        }
        if progress.newest:
            metadata["age of the newest record, s"] = round(
                (datetime.now(UTC) - progress.newest).total_seconds(), 1
            )
        return metadata


def _job(definition: ExportDefinition, location: CodeLocation) -> dg.JobDefinition:
    key = location.asset_key(definition)

    @dg.op(
        name=f"{location.node_name(definition)}__send",
        description="Sends what is new, until a successor takes over",
        out=dg.Out(dg.Nothing),
    )
    def send(context: dg.OpExecutionContext) -> None:
        project = location.project
        with logs.run(context.run_id), as_dagster_failure(), interruptible(context, project):
            observations = _Observations(context, key)
            end = run_stream(project, definition.name, observations, take_over=True)
            observations.observe()
        context.log.info(f"the stream ended here: {end}")

    @dg.graph(
        name=location.job_name(definition),
        description="Runs the stream for hours, then hands over to the next run",
    )
    def graph() -> None:
        send()

    tags = {EXPORT_TAG: location.job_name(definition), "dagster/max_runtime": str(LONGEST_S)}
    return graph.to_job(executor_def=dg.in_process_executor, tags=tags)


def _replay_job(definition: ExportDefinition, location: CodeLocation) -> dg.JobDefinition:
    @dg.op(
        name=f"{location.node_name(definition)}__replay_rows",
        description="Sends rows once more; the stream itself goes on",
        config_schema={
            "from": dg.Field(str, description="2024-01-15 or 2024-01-15T09:30:00Z"),
            "to": dg.Field(
                dg.Noneable(str),
                default_value=None,
                description="another stream, or another folder of the bucket",
            ),
            "same_place": dg.Field(bool, default_value=False, description="into the stream's own sink"),
        },
        out=dg.Out(dg.Nothing),
    )
    def replay(context: dg.OpExecutionContext) -> None:
        project, config = location.project, context.op_config
        with logs.run(context.run_id), as_dagster_failure(mistyped=True), interruptible(context, project):
            replay_stream(
                project, definition.name, moment_named(config["from"]), config["to"], config["same_place"]
            )

    @dg.graph(name=f"{location.node_name(definition)}__replay", description="Sends rows once more")
    def graph() -> None:
        replay()

    return graph.to_job(executor_def=dg.in_process_executor)


def _sensor(
    definition: ExportDefinition, job: dg.JobDefinition, location: CodeLocation
) -> dg.SensorDefinition:
    def keep_running(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        ledger = location.project.ledger
        state = Streams(ledger.engine, ledger.locks).state(definition.name)
        records = context.instance.get_run_records(
            dg.RunsFilter(job_name=job.name, tags={EXPORT_TAG: location.job_name(definition)}),
            limit=LOOKED_AT,
        )
        reason = _why_not(records, state.paused_at, datetime.now(UTC))
        yield dg.SkipReason(reason) if reason else dg.RunRequest()

    return dg.SensorDefinition(
        name=location.named(f"{definition.name}_stream"),
        evaluation_fn=keep_running,
        job=job,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Keeps the stream running: asks for a run where none is, and for a successor after hours",
    )


def _why_not(records: Sequence[dg.RunRecord], paused_at: datetime | None, now: datetime) -> str | None:
    """Why no run is asked for; None where one is."""
    if paused_at is not None:
        return f"paused at {paused_at:%Y-%m-%d %H:%M} UTC"
    living = [record for record in records if record.dagster_run.status in UNFINISHED]
    if len(living) > 1:
        return "a successor is about to take over"
    if living:
        age = now - living[0].create_timestamp.astimezone(UTC)
        return "a run sends" if age < RUN_FOR else None
    failed = 0
    for record in records:
        if record.dagster_run.status is not dg.DagsterRunStatus.FAILURE:
            break
        failed += 1
    pause = PAUSES_S[min(failed, len(PAUSES_S) - 1)]
    ended = records[0].end_time if records else None
    if ended is not None and now.timestamp() - ended < pause:
        return f"{failed} runs failed in a row; the next one begins {pause} s after the last"
    return None
