"""What will run: definition x window x catalog -> Plan, pure and printable."""

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
from export_pipelines.plan.describe import describe
from export_pipelines.plan.plan import Mask, Plan, PlanDraft, Window
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
    "describe",
    "window_in",
]
