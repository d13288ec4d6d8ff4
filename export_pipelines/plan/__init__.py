"""What will run: definition x window x catalog -> Plan, pure and printable."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from export_pipelines.plan.plan import Mask, Plan, PlanDraft, Window

if TYPE_CHECKING:
    from export_pipelines.plan.compile import (
        STEP,
        STEPS,
        WindowFiles,
        bind,
        blank_draft,
        compile_files,
        compile_plan,
        window_in,
    )
    from export_pipelines.plan.request import PlanRequest

__all__ = [
    "STEP",
    "STEPS",
    "Mask",
    "Plan",
    "PlanDraft",
    "PlanRequest",
    "Window",
    "WindowFiles",
    "bind",
    "blank_draft",
    "compile_files",
    "compile_plan",
    "window_in",
]


def __getattr__(name: str) -> Any:
    """Imports what compiles a plan when it is asked for: who reads a manifest needs neither that nor a database."""
    if name in __all__:
        home = "request" if name == "PlanRequest" else "compile"
        value = getattr(import_module(f"{__name__}.{home}"), name)
        return globals().setdefault(name, value)  # functions that import it do so each time
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
