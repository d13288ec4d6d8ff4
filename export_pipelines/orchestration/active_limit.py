"""How many schedules may be on at once: those that were turned on last, past the limit, export nothing."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import dagster as dg

from export_pipelines.definition.schedule import MAX_ACTIVE
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.run_tags import EXPORT_TAG
from export_pipelines.orchestration.switches import switches
from export_pipelines.plan.plan import iso

REMEDY = "turn another schedule off; this one then exports at its next time what it missed"


def running_schedules(instance: dg.DagsterInstance) -> dict[str, datetime]:
    """Since when each schedule is turned on, whoever it belongs to."""
    return {name: switch.since for name, switch in switches(instance).items()}


def over_the_limit(on: Mapping[str, datetime], ours: Iterable[str]) -> list[str]:
    """Of `ours`, the schedules that were turned on when MAX_ACTIVE were on already."""
    names = set(ours)
    by_age = sorted((since, name) for name, since in on.items() if name in names)
    return [name for _, name in by_age[MAX_ACTIVE:]]


def refusal(context: dg.ScheduleEvaluationContext, schedule: str) -> str | None:
    """Why the schedule's tick does nothing; None where it may run."""
    schedules = context.repository_def.schedule_defs if context.repository_def else []
    ours = [definition.name for definition in schedules if EXPORT_TAG in definition.tags]
    on = running_schedules(context.instance)
    if schedule in over_the_limit(on, ours):
        return f"{MAX_ACTIVE} schedules are on already, which is the most: {REMEDY}"
    return None


def over_limit_alerts(
    on: Mapping[str, datetime], schedules: Mapping[str, str], now: datetime
) -> Iterator[Alert]:
    """`schedules` maps the name of a schedule to that of its export."""
    for name in over_the_limit(on, schedules):
        yield Alert(
            key=f"limit {name} {iso(on[name])}",
            export=schedules[name],
            kind="failure",
            text=f"its schedule was turned on, and exports nothing: {MAX_ACTIVE} schedules are on already, which is the most",
            then=REMEDY,
            noticed_at=now,
        )
