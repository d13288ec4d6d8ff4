"""How many rows and bytes a run would write: the rows are counted, the bytes come from a first few rows, encoded."""

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export_pipelines.plan.plan import Plan
    from export_pipelines.read.source import Source
    from export_pipelines.settings import Settings

SAMPLE_ROWS = 1000


@dataclass(frozen=True)
class Estimate:
    """`rows` are counted; `bytes` (as written) and `raw_bytes` (before compression) follow from `sample_rows`. `at_most`
    where rows are asked more afterwards than the database that counted them could be."""

    rows: int
    sample_rows: int
    bytes: int
    raw_bytes: int
    at_most: bool = False

    @property
    def exact(self) -> bool:
        return self.sample_rows == self.rows

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "bytes": self.bytes,
            "raw_bytes": self.raw_bytes,
            "estimated_from_rows": self.sample_rows,
            "at_most": self.at_most,
        }


@dataclass
class _Counting:
    """A part that keeps only its length."""

    length: int = 0

    def write(self, data: bytes) -> None:
        self.length += len(data)

    def finish(self) -> None:
        pass

    def abort(self) -> None:
        pass


def estimate(plan: "Plan", source: "Source", settings: "Settings") -> Estimate:
    """Reads at most 1,000 rows, a report as a whole; writes none. Raises SourceError, or what the run would raise for these rows."""
    from export_pipelines.mask.keys import Keys
    from export_pipelines.run.write_parts import write_parts

    without_limits = plan.output.model_copy(update={"max_rows": sys.maxsize, "max_bytes": sys.maxsize})
    free = plan.model_copy(update={"output": without_limits})
    first = _first(plan, source, SAMPLE_ROWS if plan.report is None else sys.maxsize)
    written = write_parts(free, first, lambda name: _Counting(), Keys.of(settings))
    parts = sum(part.bytes for part in written.parts)
    whole = plan.report is not None or (plan.query.counts_at_most and written.rows < SAMPLE_ROWS)
    rows = written.rows if whole else source.count(plan.query)
    factor = rows / written.rows if written.rows else 1
    at_most = plan.query.counts_at_most and not whole
    return Estimate(rows, written.rows, round(parts * factor), round(written.raw_bytes * factor), at_most)


def _first(plan: "Plan", source: "Source", rows: int) -> Iterator[Any]:
    """Batches of the first `rows` rows; the rest is not read."""
    left = rows
    with closing(source.read(plan.query)) as batches:  # type: ignore[type-var]
        for batch in batches:
            yield batch.slice(0, left)
            left -= batch.num_rows
            if left <= 0:
                return
