"""What a reader makes of differences is what a full export gives, byte for byte, whatever happened before.

HISTORIES=100 in the environment makes so many histories instead of five; FIRST_HISTORY=7 begins with that one."""

import os
from pathlib import Path

import pytest

from export_pipelines_tests.run.changes.history import History

FIRST = int(os.environ.get("FIRST_HISTORY", "0"))
HISTORIES = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "5")))
ROUNDS, STEPS = 3, 3


@pytest.mark.parametrize("seed", HISTORIES)
def test_applied_differences_are_the_full_set(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path, seed)
    for _ in range(ROUNDS):
        for _ in range(STEPS):
            history.step()
        history.settle()
