"""The import rules of pyproject.toml hold: the house has doors, and nobody climbs through a window."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent


def test_imports_run_along_the_road_and_never_back() -> None:
    """In a process of its own: import-linter turns off the loggers that are there."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], check=False, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, done.stdout
