"""How often the ledger is told of rows: at the start, at most once a second, and at the end."""

from typing import Any, cast

import pytest

from export_pipelines.ledger import ExportRequests
from export_pipelines.orchestration.request_progress import RequestProgress
from export_pipelines.run.observer import Batch, Run
from export_pipelines.run.statistics import Written


class Requests:
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def progressed(self, run_id: str, rows: int) -> None:
        self.told.append((run_id, rows))


@pytest.mark.parametrize(("seconds", "told"), [(0.1, [0, 40]), (1.0, [0, 10, 20, 30, 40, 40])])
def test_rows_are_told_not_more_often_than_once_a_second(seconds: float, told: list[int]) -> None:
    requests, moment = Requests(), 100.0

    def now() -> float:
        return moment

    progress = RequestProgress(cast(ExportRequests, requests), "run", now)
    progress.started(Run("daily", "2024-01-15", "daily/2024-01-15/x"))
    for _ in range(4):
        moment += seconds
        progress.batch_done(Batch("extract", 10, 1, 0.1))
        progress.batch_done(Batch("encode", 10, 1, 0.1))
    written: Any = type("W", (), {"rows": 40})()
    progress.finished(cast(Written, written))
    assert requests.told == [("run", rows) for rows in told]
