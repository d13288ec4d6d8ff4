"""Many partitions of one export: runs of up to a quarter of days each, the failed partitions collected by name."""

import gc
import uuid
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.stored_manifests import joined
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.overrides import require_leads
from export_pipelines.errors import WindowError
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.done_partitions import done_partitions
from export_pipelines.orchestration.launch import NOW_ANYWAY, Outcome, run_job
from export_pipelines.orchestration.op_bodies import ANY_HOUR, tags_of
from export_pipelines.orchestration.range_processes import Range, run_ranges
from export_pipelines.orchestration.run_tags import BACKFILL_TAG, ORIGIN, RANGE_END, RANGE_START
from export_pipelines.orchestration.taken_over import resume_tags
from export_pipelines.plan.partitions import partition_keys
from export_pipelines.plan.window import require_complete, require_quiet, window_of
from export_pipelines.project import Project
from export_pipelines.run.memory import trim_heap
from export_pipelines.run.observer import Deaf, Observer
from export_pipelines.settings import MAX_PARTITIONS_PER_RUN


@dataclass(frozen=True)
class Backfill:
    """`outcomes` are its runs, oldest partitions first; what failed in one does not keep the next from running.

    `skipped` partitions were done before. `left` ones were not begun, since the quiet hours ended.
    """

    id: str
    outcomes: tuple[Outcome, ...]
    skipped: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def manifests(self) -> Sequence[Manifest]:
        return joined(tuple(outcome.manifests for outcome in self.outcomes))

    @property
    def failures(self) -> dict[str, str]:
        return {key: text for outcome in self.outcomes for key, text in outcome.failures.items()}

    @property
    def exit_code(self) -> int:
        return max((outcome.exit_code for outcome in self.outcomes), default=0) or int(bool(self.left))


def backfill(
    project: Project,
    export: str,
    first: str,
    last: str,
    *,
    instance: dg.DagsterInstance,
    force: bool = False,
    any_hour: bool = False,
    observer: Observer | None = None,
    max_workers: int = 1,
    behind: Callable[[int], None] = lambda partitions: None,
) -> Backfill:
    """Runs every partition from `first` to `last`, both included, that is not done, the oldest first; `observer` hears what the runs do.

    With more than one of `max_workers` ranges run side by side, in processes of their own, of which `observer` hears nothing;
    `behind` is called with the number of partitions of each range that ended.

    What earlier runs wrote that were cut off, as by a kill, is taken over: only its deliveries are made up.

    `force` runs those too that are done, `any_hour` goes over quiet hours. Raises RequestError for an export without
    partitions, for partitions that are not there or not complete, and outside of the quiet hours.
    """
    location = CodeLocation(project, observer=observer or Deaf())
    definition, now = project.definition(export), project.now
    require_leads(definition)
    keys = keys_between(definition, first, last, now())
    if not any_hour:
        require_quiet(definition, now(), NOW_ANYWAY)
    done = set() if force else done_partitions(location, definition, instance, keys)
    skipped = [key for key in keys if key in done]
    resumed = {} if force else resume_tags(instance, location, definition)
    number = uuid.uuid4().hex[:8]
    tags = {BACKFILL_TAG: number, ORIGIN: "backfill", **tags_of(project.asker), **resumed}
    tags |= {ANY_HOUR: "yes"} if any_hour else {}
    most = min(MAX_PARTITIONS_PER_RUN, -(-(len(keys) - len(skipped)) // max_workers))
    ranges = [
        Range(project.root, project.asker, now, export, tuple(chunk), tags | _range_tags(chunk))
        for chunk in _chunks(keys, done, most)
    ]
    if max_workers > 1:
        outcomes = _side_by_side(ranges, max_workers, behind)
    else:
        outcomes = _in_turn(ranges, location, definition, instance)
    left = tuple(key for range in ranges if range not in outcomes for key in range.keys)
    in_order = tuple(outcomes[range] for range in ranges if range in outcomes)
    return Backfill(number, in_order, tuple(skipped), left)


def _range_tags(keys: Sequence[str]) -> dict[str, str]:
    return {RANGE_START: keys[0], RANGE_END: keys[-1]}


def _in_turn(
    ranges: Sequence[Range],
    location: CodeLocation,
    definition: ExportDefinition,
    instance: dg.DagsterInstance,
) -> dict[Range, Outcome]:
    outcomes: dict[Range, Outcome] = {}
    defs = definitions_of(location, quiet=True)
    with location.project.sessions, _older_objects_left():
        for range in ranges:
            if not range.may_begin(location.project):
                break
            tags, keys = dict(range.tags), range.keys
            outcomes[range] = run_job(location, definition, range.export, keys, instance, defs, tags=tags)
            trim_heap()
    return outcomes


@contextmanager
def _older_objects_left() -> Iterator[None]:
    """Collections, as of the cycles that a run of Dagster's leaves behind, 70 MB in a year of large days, look at nothing that was
    there before, which is most of all objects, and stays; where somebody else has set objects aside, that is left to them."""
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _side_by_side(
    ranges: Sequence[Range], workers: int, behind: Callable[[int], None]
) -> dict[Range, Outcome]:
    outcomes: dict[Range, Outcome] = {}
    for range, outcome in run_ranges(ranges, workers):
        if outcome:
            outcomes[range] = outcome
            behind(len(range.keys))
    return outcomes


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
    require_complete(end, now)
    return partition_keys(definition.partition, start.start, end.end)


def _chunks(keys: Sequence[str], done: Container[str], most: int) -> Iterator[Sequence[str]]:
    """What is not done, in ranges without gaps of at most so many partitions."""
    chunk: list[str] = []
    for key in keys:
        if chunk and (key in done or len(chunk) == most):
            yield chunk
            chunk = []
        if key not in done:
            chunk.append(key)
    if chunk:
        yield chunk
