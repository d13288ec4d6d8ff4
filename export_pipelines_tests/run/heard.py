"""An observer that keeps what it heard."""

from dataclasses import dataclass, field
from itertools import accumulate

from export_pipelines.run.observer import Batch, Run
from export_pipelines.run.part_writer import WrittenPart
from export_pipelines.run.statistics import Written


@dataclass
class Heard:
    """`calls` are the names of what was called, batches by their stage, in order."""

    calls: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    parts: list[WrittenPart] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def started(self, run: Run) -> None:
        self.calls.append("started")
        self.runs.append(run)

    def batch_done(self, batch: Batch) -> None:
        self.calls.append(batch.stage)
        self.batches.append(batch)

    def part_done(self, part: WrittenPart) -> None:
        self.calls.append("part")
        self.parts.append(part)

    def finished(self, written: Written) -> None:
        self.calls.append("finished")
        self.written.append(written)

    def failed(self, error: BaseException) -> None:
        self.calls.append("failed")
        self.errors.append(error)

    def rows_of(self, stage: str) -> list[int]:
        """Rows so far after each of the stage's batches that holds any."""
        return [*accumulate(batch.rows for batch in self.batches if batch.stage == stage and batch.rows)]
