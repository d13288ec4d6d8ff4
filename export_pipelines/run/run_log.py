"""The log of a run: a record when it starts and when it ends; batches and parts at DEBUG."""

import logging
import threading
from collections import Counter

from export_pipelines import logs
from export_pipelines.run.observer import Batch, Run
from export_pipelines.run.part_writer import WrittenPart
from export_pipelines.run.statistics import Written

log = logs.for_machines(__name__)


class RunLog:
    """An observer that logs. A batch has its number in its stage, from 1."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._what: dict[str, str] = {}

    def started(self, run: Run) -> None:
        self._numbers.clear()
        self._what = {"export": run.export, "window": run.window, "artifact": run.artifact}
        log.info("run started", extra=self._what)

    def batch_done(self, batch: Batch) -> None:
        if not log.isEnabledFor(logging.DEBUG):
            return
        with self._counting:
            self._numbers[batch.stage] += 1
            number = self._numbers[batch.stage]
        figures = {"rows": batch.rows, "bytes": batch.bytes, "seconds": round(batch.seconds, 6)}
        log.debug("batch done", extra={"stage": batch.stage, "number": number, **figures})

    def part_done(self, part: WrittenPart) -> None:
        figures = {"rows": part.rows, "bytes": part.bytes, "raw_bytes": part.raw_bytes}
        log.debug("part done", extra={"part": part.name, **figures, "sha256": part.sha256})

    def finished(self, written: Written) -> None:
        figures = {
            "parts": len(written.parts),
            "rows": written.rows,
            "bytes": sum(part.bytes for part in written.parts),
            "raw_bytes": written.raw_bytes,
            "masked_values": written.masked_values,
            "seconds": written.seconds,
        }
        log.info("run finished", extra={**self._what, **figures})

    def failed(self, error: BaseException) -> None:
        log.error("run failed", extra={**self._what, **logs.failure(error)})
