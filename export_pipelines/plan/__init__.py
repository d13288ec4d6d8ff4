"""What will run: definition x window x catalog -> Plan, pure and printable."""

from export_pipelines.plan.compile import STEPS, blank_plan, compile_plan
from export_pipelines.plan.describe import describe
from export_pipelines.plan.plan import Mask, Plan, Window
from export_pipelines.plan.request import PlanRequest

__all__ = ["STEPS", "Mask", "Plan", "PlanRequest", "Window", "blank_plan", "compile_plan", "describe"]
