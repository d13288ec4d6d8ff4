"""Which schedules are on, since when, and whether Dagster still owes one of them a tick: read from Dagster's own state.

The switch in the UI writes there and nowhere else, and the state outlives the daemon; so nothing of it is kept twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType, TickStatus


@dataclass(frozen=True)
class Switch:
    """A schedule that is on since `since`; `cron` is its line as it was then."""

    since: datetime
    cron: str
    state: InstigatorState


def switches(instance: dg.DagsterInstance) -> Mapping[str, Switch]:
    """The schedules that are on, by name."""
    states = instance.all_instigator_state(
        instigator_type=InstigatorType.SCHEDULE, instigator_statuses={InstigatorStatus.RUNNING}
    )
    switches = [(state.name, _switch(state)) for state in states]
    return dict(sorted(switches, key=lambda named: named[1].since))  # of two with one name, the newer


def owes_a_tick(instance: dg.DagsterInstance, switch: Switch, last: datetime) -> bool:
    """Whether Dagster has still to evaluate the schedule for `last`, or is about it."""
    ticks = instance.get_ticks(switch.state.instigator_origin_id, switch.state.selector_id, limit=1)
    newest = ticks[0] if ticks else None
    if newest and newest.status is TickStatus.STARTED:
        return True
    seen = getattr(switch.state.instigator_data, "last_iteration_timestamp", None) or 0.0
    return last.timestamp() > max(seen, newest.timestamp if newest else 0.0)


def _switch(state: InstigatorState) -> Switch:
    data = state.instigator_data
    cron = getattr(data, "cron_schedule", "")
    since = datetime.fromtimestamp(getattr(data, "start_timestamp", None) or 0, UTC)
    return Switch(since, cron if isinstance(cron, str) else cron[0], state)
