"""Exports of lead and event data on Dagster. A notebook's door: `Project`, what comes out of it, and the errors."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from export_pipelines import errors

if TYPE_CHECKING:
    from export_pipelines.artifacts import Manifest
    from export_pipelines.pipeline import Outcome
    from export_pipelines.plan.plan import Plan
    from export_pipelines.project import Project

__all__ = ["Manifest", "Outcome", "Plan", "Project", "errors"]

_HOMES = {
    "Manifest": "export_pipelines.artifacts",
    "Outcome": "export_pipelines.pipeline",
    "Plan": "export_pipelines.plan.plan",
    "Project": "export_pipelines.project",
}


def __getattr__(name: str) -> Any:
    """Imports what is asked for, so that a command pays for nothing else."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
