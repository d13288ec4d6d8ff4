"""Many partitions of one export: runs of up to a month of days each, the failed partitions collected by name."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import WindowError
from export_pipelines.orchestration.launch import RANGE_END, RANGE_START, Outcome, run_job
from export_pipelines.orchestration.partitions import MAX_PARTITIONS_PER_RUN
from export_pipelines.orchestration.workshop import open_workshop, utc_now
from export_pipelines.plan.window import demand_complete, partition_keys, window_of
from export_pipelines.settings import Settings

BACKFILL_TAG = "export/backfill"  # groups the runs; Dagster's own tag would hide them from its list of runs


@dataclass(frozen=True)
class Backfill:
    """`outcomes` are its runs, oldest partitions first; what failed in one does not keep the next from running."""

    id: str
    outcomes: tuple[Outcome, ...]

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        return tuple(manifest for one in self.outcomes for manifest in one.manifests)

    @property
    def failures(self) -> dict[str, str]:
        return {key: text for one in self.outcomes for key, text in one.failures.items()}

    @property
    def exit_code(self) -> int:
        return max((one.exit_code for one in self.outcomes), default=0)


def backfill(
    settings: Settings,
    export: str,
    first: str,
    last: str,
    *,
    instance: dg.DagsterInstance,
    now: Callable[[], datetime] = utc_now,
    progress: Callable[[int], None] | None = None,
) -> Backfill:
    """Runs every partition from `first` to `last`, both included; `progress` hears how many are done.

    Raises RequestError for an export without partitions and for partitions that are not there or not complete.
    """
    done = _Counter(progress)
    workshop = open_workshop(settings, now, done.heard)
    definition = workshop.definition(export)
    keys = keys_between(definition, first, last, now())
    number, outcomes = uuid.uuid4().hex[:8], []
    for chunk in _chunks(keys, MAX_PARTITIONS_PER_RUN):
        tags = {BACKFILL_TAG: number, RANGE_START: chunk[0], RANGE_END: chunk[-1]}
        outcomes.append(run_job(workshop, definition, export, chunk, instance, tags=tags))
        done.all_of(chunk)
    return Backfill(number, tuple(outcomes))


def keys_between(definition: ExportDefinition, first: str, last: str, now: datetime) -> list[str]:
    """Keys of the partitions from `first` to `last`, both included. Raises WindowError."""
    if definition.partition is None:
        raise WindowError(
            f"{definition.name} has no partitions to fill",
            where=definition.at("partition"),
            remedy="set partition: daily, weekly or monthly, or run it with --start and --end",
        )
    start, end = window_of(definition, first), window_of(definition, last)
    if end.start < start.start:
        raise WindowError(f"the last partition {last} is before the first, {first}", remedy="swap them")
    demand_complete(end, now)
    return partition_keys(definition.partition, start.start, end.end)


class _Counter:
    """Partitions done: those of finished runs, and of the running one all but the newest that was heard of."""

    def __init__(self, told: Callable[[int], None] | None) -> None:
        self.told, self.finished, self.seen = told, 0, dict[str, None]()

    def heard(self, key: str, _: int) -> None:
        self.seen[key] = None
        self._tell(self.finished + len(self.seen) - 1)

    def all_of(self, chunk: Sequence[str]) -> None:
        self.finished += len(chunk)
        self.seen.clear()
        self._tell(self.finished)

    def _tell(self, number: int) -> None:
        if self.told:
            self.told(number)


def _chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
