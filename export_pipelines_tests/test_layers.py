"""The import rules of pyproject.toml hold: the house has doors, and nobody climbs through a window."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PROJECT = Path(__file__).parent.parent


def test_imports_run_along_the_road_and_never_back() -> None:
    status = lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS
