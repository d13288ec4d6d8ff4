"""What Dagster shows of the stages of a run: lines in the log of its step, figures in the metadata."""

from typing import Any

import dagster as dg

from export_pipelines.run.observer import Batch, Deaf, Run
from export_pipelines.run.part_writer import WrittenPart
from export_pipelines.run.statistics import Written


class StepLog(Deaf):
    """An observer of one window. `stages` has by stage the rows, bytes and busy seconds so far."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self.log = log
        self.stages: dict[str, dict[str, Any]] = {}
        self._artifact = self._window = ""

    def started(self, run: Run) -> None:
        self._window, self._artifact = run.window, run.artifact

    def batch_done(self, batch: Batch) -> None:
        stage = self.stages.setdefault(batch.stage, {"rows": 0, "bytes": 0, "seconds": 0.0})
        stage["rows"] += batch.rows
        stage["bytes"] += batch.bytes
        stage["seconds"] = round(stage["seconds"] + batch.seconds, 6)

    def part_done(self, part: WrittenPart) -> None:
        self.log.debug(f"{self._window}: {part.name}: {part.rows:,} rows, {part.bytes:,} bytes")

    def finished(self, written: Written) -> None:
        size = sum(part.bytes for part in written.parts)
        self.log.info(
            f"{self._window}: {written.rows:,} rows, {size:,} bytes, {len(written.parts)} parts: {self._artifact}"
        )
