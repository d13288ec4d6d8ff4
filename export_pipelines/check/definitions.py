"""The plan of an export, and what it calls its files in windows that tell what any window does."""

from datetime import date, datetime
from typing import NamedTuple

from export_pipelines.access import Policy
from export_pipelines.catalog import Catalog
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.export import Cadence
from export_pipelines.definition.overrides import AT_LAUNCH
from export_pipelines.errors import WindowError
from export_pipelines.plan import PlanRequest, WindowFiles, compile_files, compile_plan
from export_pipelines.plan.plan import Plan, Window
from export_pipelines.plan.rights import with_rights
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


class Sample(NamedTuple):
    """The plan of one window, and what each sample window calls its files: all else is the same in all of them."""

    plan: Plan
    files: tuple[WindowFiles, ...]


def sample_of(
    definition: ExportDefinition, settings: Settings, catalog: Catalog, policy: Policy | None, at: datetime
) -> Sample:
    """By the rights that the export's owner has `at` that time. Raises ExportError for a definition that makes no plan."""
    if definition.filter.lead_ids == AT_LAUNCH:
        some = definition.filter.model_copy(update={"lead_ids": (SOME_LEAD,)})
        definition = definition.model_copy(update={"filter": some})
    plan, files = None, list[WindowFiles]()
    for window in _windows(definition):
        request = PlanRequest(definition, window, catalog, settings.dialect, settings.key_names)
        try:
            request = with_rights(request, policy, None, "create", at, sample=True)
            files.append(compile_files(request))
            plan = plan or compile_plan(request)
        except WindowError:  # such a window can be asked for, and this export refuses it
            if window is not WHOLE:
                raise
    if plan is None:
        raise ValueError("an export has a window that it takes")
    return Sample(plan, tuple(files))
