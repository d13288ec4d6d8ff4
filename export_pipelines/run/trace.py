"""The trace of a run: a span for it and, within, one for each stage, from its first batch to its last."""

import threading
from dataclasses import dataclass

from export_pipelines.run.observer import Batch, Deaf
from export_pipelines.run.statistics import Written
from export_pipelines.telemetry import Span, now_ns


@dataclass
class _Stage:
    began_ns: int
    ended_ns: int
    rows: int = 0
    bytes: int = 0
    batches: int = 0


class RunTrace(Deaf):
    """An observer of one run that adds to its `span`."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self._stages: dict[str, _Stage] = {}
        self._counting = threading.Lock()

    def batch_done(self, batch: Batch) -> None:
        ended_ns = now_ns()
        with self._counting:
            began_ns = ended_ns - round(batch.seconds * 1e9)
            stage = self._stages.setdefault(batch.stage, _Stage(began_ns, ended_ns))
            stage.ended_ns = ended_ns
            stage.rows += batch.rows
            stage.bytes += batch.bytes
            stage.batches += 1

    def finished(self, written: Written) -> None:
        self._end_stages(written.seconds)
        self.span.set(
            rows=written.rows,
            bytes=sum(part.bytes for part in written.parts),
            parts=len(written.parts),
            masked_values=written.masked_values,
        )

    def failed(self, error: BaseException) -> None:
        self._end_stages({})

    def _end_stages(self, busy_seconds: dict[str, float]) -> None:
        for name, stage in self._stages.items():
            busy = {"busy_seconds": round(busy_seconds[name], 6)} if name in busy_seconds else {}
            figures = {"rows": stage.rows, "bytes": stage.bytes, "batches": stage.batches, **busy}
            self.span.child(name, stage.began_ns, stage.ended_ns, **figures)
