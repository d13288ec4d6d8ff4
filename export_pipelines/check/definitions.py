"""The plans of an export, for windows that tell what any window does."""

from datetime import date

from export_pipelines.catalog import Catalog
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.export import Cadence
from export_pipelines.definition.given import AT_LAUNCH
from export_pipelines.errors import WindowError
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan, Window
from export_pipelines.plan.window import WHOLE, scheduled_window, window_between, window_of
from export_pipelines.settings import Settings

# Pairs of windows that share all but one word of a template: the day, the month, the year.
SAMPLES: dict[Cadence, tuple[str, ...]] = {
    "daily": ("2023-01-01", "2023-01-02", "2023-02-01", "2024-01-01"),
    "weekly of month": ("2023-01-01", "2023-01-08", "2023-02-01", "2024-01-01"),
    "weekly": ("2023-01-01", "2023-01-08", "2023-10-01", "2017-01-01"),
    "monthly": ("2023-01-01", "2023-02-01", "2024-01-01"),
}
SOME_LEAD = "0" * 24  # in the place of those that a launch will give


def _windows(definition: ExportDefinition) -> list[Window]:
    if definition.partition:
        anywhen = definition.model_copy(update={"start": "2000-01-01"})
        return [window_of(anywhen, key) for key in SAMPLES[definition.partition]]
    if definition.filter.last:
        return [_scheduled(definition, date(2023, 1, 1)), _scheduled(definition, date(2023, 1, 2))]
    return [WHOLE, window_between("2023-01-01", "2023-01-02")]


def _scheduled(definition: ExportDefinition, day: date) -> Window:
    return scheduled_window(definition, window_between(day, date(9999, 1, 1)).start)


def plans_of(definition: ExportDefinition, settings: Settings, catalog: Catalog) -> list[Plan]:
    """One of each sample window. Raises ExportError for a definition that makes no plan."""
    if definition.filter.lead_ids == AT_LAUNCH:
        some = definition.filter.model_copy(update={"lead_ids": (SOME_LEAD,)})
        definition = definition.model_copy(update={"filter": some})
    plans = []
    for window in _windows(definition):
        try:
            plans.append(
                compile_plan(PlanRequest(definition, window, catalog, settings.dialect, settings.key_names))
            )
        except WindowError:  # such a window can be asked for, and this export refuses it
            if window is not WHOLE:
                raise
    return plans
