"""What `make bench` times runs at all, with as little to do as it takes; no time is looked at."""

import sys
from pathlib import Path

import pytest

from benchmarks import bench_delivery
from benchmarks.bench_dagster import project
from benchmarks.work import DAYS


def test_a_day_runs_alone_and_through_dagster_as_often_as_it_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in project(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert all(work(tmp_path) > 0 for _ in range(2) for work in DAYS.values())


def test_a_file_goes_to_a_destination_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_delivery", "--megabytes", "1", "--runs", "1", "--to", "webhook"])
    (judged,) = bench_delivery.main()
    assert judged.title == "webhook, 1 MB" and judged.verdict == "met"
