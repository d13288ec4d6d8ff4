"""Ranges of a backfill that run side by side, each in a process of its own."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import active_children, get_context
from pathlib import Path

from export_pipelines.definition.schedule import is_within
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.instance import open_instance
from export_pipelines.orchestration.launch import Outcome, run_job
from export_pipelines.orchestration.op_bodies import ANY_HOUR
from export_pipelines.project import Project
from export_pipelines.range_process import begin

KILLED = "the process that ran it was killed; the same command goes on with what is missing"


@dataclass(frozen=True, eq=False)
class Range:
    """Partitions `keys` of an export with the `tags` of their run, and what another process opens the project with; `now` is a
    function of a module."""

    root: Path
    asker: str | None
    now: Callable[[], datetime]
    export: str
    keys: tuple[str, ...]
    tags: Mapping[str, str]

    def may_begin(self, project: Project) -> bool:
        """False outside of the export's quiet hours, unless the run was asked for at any hour."""
        hours = project.definition(self.export).quiet_hours
        if ANY_HOUR in self.tags or hours is None:
            return True
        return is_within(project.now().astimezone(UTC).time(), hours)


def run_ranges(ranges: Sequence[Range], workers: int) -> Iterator[tuple[Range, Outcome | None]]:
    """The outcome of each range as it ends, None where it was not begun; at most `workers` run at a time."""
    pool = ThreadPoolExecutor(workers)
    futures = {pool.submit(_in_process, range): range for range in ranges}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        asked = set[int | None]()
        while wait(futures, 0.1).not_done:  # one may be starting yet
            for process in active_children():
                if process.pid not in asked:
                    process.terminate()
                    asked.add(process.pid)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _in_process(range: Range) -> Outcome | None:
    """In a process that is this range's alone: where it is killed, the others go on."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=begin) as process:
            return process.submit(_run, range).result()
    except BrokenProcessPool:
        return Outcome("", (), dict.fromkeys(range.keys, KILLED), 1)


def _run(range: Range) -> Outcome | None:
    project = Project.open(range.root, os.environ, range.now)
    project.asker = range.asker
    if not range.may_begin(project):
        return None
    location, definition = CodeLocation(project), project.definition(range.export)
    with open_instance(project.settings, project.root) as instance:
        return run_job(location, definition, range.export, range.keys, instance, tags=dict(range.tags))
