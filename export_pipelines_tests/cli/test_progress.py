"""What a progress bar makes of what it hears of runs."""

from export_pipelines.cli.progress import Partitions, Rows
from export_pipelines.run.observer import Batch, Run
from export_pipelines_tests.encode.tables import column, plan_of, written


def run_of(day: str) -> Run:
    return Run("daily", day, f"daily/{day}/x")


def test_rows_are_counted_once_and_anew_for_each_run() -> None:
    told: list[int] = []
    rows = Rows(told.append)
    for day in ("2024-01-15", "2024-01-16"):
        rows.started(run_of(day))
        for stage in ("extract", "mask", "encode", "encode", "store"):
            rows.batch_done(Batch(stage, 5, 100, 0.1))
    assert told == [5, 10, 5, 10]


def test_partitions_that_are_done_or_failed_are_behind() -> None:
    told: list[int] = []
    keys = [f"2024-01-{day}" for day in (15, 16, 17, 18)]
    bar = Partitions(keys, told.append)
    result, _ = written(plan_of([column("id")]), [])
    bar.started(run_of(keys[0]))
    bar.finished(result)
    bar.started(run_of(keys[2]))  # the second was done before
    bar.failed(ValueError())
    bar.started(run_of(keys[3]))
    bar.finished(result)
    assert told == [0, 1, 2, 3, 3, 4]
