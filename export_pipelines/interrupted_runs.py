"""A run goes on with the parts that a killed run of the same window has finished, where the source can still give exactly the
rows after them; otherwise it begins anew, and says why."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version

from export_pipelines.artifacts.store import Journal, Staging
from export_pipelines.errors import RetryableError
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.query.query import Query
from export_pipelines.read.postgresql_snapshot import Earlier, Snapshot
from export_pipelines.read.residual import Asking
from export_pipelines.read.source import Source
from export_pipelines.run.checkpoints import Checkpoints, Progress

LEAST_ROWS = 100_000  # fewer are read anew in no time
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What a run has to read; `rows` that its snapshot saw, if it is known, and where the run's progress is kept."""

    query: Query
    rows: int | None = None
    checkpoints: Checkpoints | None = None


@contextmanager
def work_of(plan: Plan, source: Source, staging: Staging, expected: int) -> Iterator[Work]:
    """The work of a run of `expected` rows, as long as its snapshot is held. Raises SourceError, RetryableError, StoreError."""
    journal, size = staging.journal(), plan.output.part_rows
    if journal is None:
        yield Work(plan.query.entire)
        return
    if not isinstance(source, Asking) or not size or expected < LEAST_ROWS or not _is_sorted(plan):
        journal.discard()
        yield Work(plan.query.entire)
        return
    artifact, earlier, begun = _earlier(plan, journal)
    with source.pinned(plan.query.entire, earlier) as pinned:
        if begun is None or pinned.begun_anew:
            if begun:
                log.warning("run begins anew", extra={"earlier": artifact, "reason": pinned.begun_anew})
            begun = None
        elif journal.take_over(artifact, [part.name for part in begun.parts]):
            log.info("run goes on", extra={"earlier": artifact, "rows": begun.rows})
        else:
            journal.discard()
            raise RetryableError(
                "parts of a killed run are gone, or another run goes on with them; nothing was kept",
                where=plan.export,
                remedy="run it again",
            )
        journal.discard()
        if pinned.snapshot is None:
            yield Work(pinned.query)
            return
        key, snapshot = plan.query.range_key, pinned.snapshot
        assert key is not None

        def write(progress: Progress) -> None:
            content = {"plan": _digest(plan), "snapshot": asdict(snapshot), "progress": progress.as_dict()}
            journal.write(json.dumps(content).encode())

        if begun:
            write(begun)
        yield Work(pinned.query, snapshot.rows, Checkpoints(size, key.unique_ids, write, begun))


def _is_sorted(plan: Plan) -> bool:
    """Whether the query gives what sorts its rows and tells them apart, and a part ends after a number of them."""
    key, ids = plan.query.range_key, {column.name for column in plan.query.columns}
    is_plain = plan.report is None and plan.query.residual is None and plan.changes is None
    is_plain = is_plain and plan.output.part_bytes is None
    return is_plain and key is not None and bool(key.unique_ids) and ids.issuperset(key.unique_ids)


def _earlier(plan: Plan, journal: Journal) -> tuple[str, Earlier | None, Progress | None]:
    """The newest killed run of the same plan, by its artifact."""
    for artifact, data in journal.earlier().items():
        try:
            content = json.loads(data)
            if content["plan"] != _digest(plan):
                continue
            progress = Progress.of(content["progress"])
            earlier = Earlier(Snapshot(**content["snapshot"]), progress.rows, progress.after)
        except (ValueError, KeyError, TypeError):
            continue  # of another release
        return artifact, earlier, progress
    return "", None, None


def _digest(plan: Plan) -> str:
    """Of all that makes the bytes of a part but the rows: the plan, with the values of its filter, and the program."""
    text = "\n".join((version("export-pipelines"), plan.model_dump_json(), fingerprint(plan)))
    return hashlib.sha256(text.encode()).hexdigest()
