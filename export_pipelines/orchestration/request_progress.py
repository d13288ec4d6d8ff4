"""An observer that tells the ledger how many rows the run of a request has written."""

import time
from collections.abc import Callable

from export_pipelines.ledger import ExportRequests
from export_pipelines.run.observer import Batch, Deaf, Run
from export_pipelines.run.statistics import Written

EVERY_S = 1.0


class RequestProgress(Deaf):
    """Told when a run starts and ends, and between not more often than once a second."""

    def __init__(
        self, requests: ExportRequests, run_id: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.requests, self.run_id, self.clock = requests, run_id, clock
        self.rows, self.said_at = 0, 0.0

    def started(self, run: Run) -> None:
        self._say()

    def batch_done(self, batch: Batch) -> None:
        if batch.stage != "encode" or not batch.rows:
            return
        self.rows += batch.rows
        if self.clock() - self.said_at >= EVERY_S:
            self._say()

    def finished(self, written: Written) -> None:
        self.rows = written.rows
        self._say()

    def _say(self) -> None:
        self.said_at = self.clock()
        self.requests.progressed(self.run_id, self.rows)
