"""What people are told: a sensor looks for what failed, is late or looks odd, writes it into the ledger, and tells it once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

import dagster as dg

from export_pipelines.alerts.rules import AlertRule, Channel, late_after_hours, load_alerts
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.absent import Absent
from export_pipelines.orchestration.active_limit import over_limit_alerts, running_schedules
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failed_runs import LOOK_BACK, failed_runs
from export_pipelines.orchestration.late_exports import LateExport, late_exports
from export_pipelines.orchestration.renaming import take_along
from export_pipelines.orchestration.undelivered import undelivered
from export_pipelines.orchestration.watch import absent_now, fresh, watch_definitions
from export_pipelines.plan.plan import iso
from export_pipelines.project import Project

log = logging.getLogger(__name__)

EVERY_S = 60
Log = Callable[[str], None]


def alert_sensor(location: CodeLocation, not_taken: Sequence[Absent] = ()) -> dg.SensorDefinition:
    """Tells people by the rules of `alerts.yaml`; it asks for no runs. `not_taken` are exports that Dagster refused."""
    look = fresh(location)

    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now_here, instance = look(), context.instance
        project = now_here.project
        take_along(now_here, instance)
        on = running_schedules(instance)
        absent = absent_now(now_here, not_taken)
        definition_alerts = list(watch_definitions(now_here, absent, on, instance))
        rules = load_alerts(project.settings.alerts)
        if not rules:
            return dg.SkipReason(f"nobody is to be told: there is no {project.settings.alerts.name}")
        for alert in definition_alerts:
            project.ledger.notice(alert)
        notice(now_here, instance, rules, on)
        log.debug("looked for alerts", extra={"definitions": len(definition_alerts), "rules": len(rules)})
        count = tell(project, rules, context.log.error)
        return dg.SkipReason(f"{count} alerts told")

    return dg.SensorDefinition(
        name=location.named("alerts"),
        evaluation_fn=alerts,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people what failed for good, is late or looks odd, by the rules of alerts.yaml; looks after "
        "definitions that break, go away or are renamed",
    )


def notice(
    location: CodeLocation,
    instance: dg.DagsterInstance,
    rules: tuple[AlertRule, ...],
    on: Mapping[str, datetime],
) -> None:
    """Writes down what is to be told. Raises nothing that it has noticed before."""
    project = location.project
    now = project.now()
    schedules = {
        location.schedule_name(definition): definition.name
        for definition in project.loaded.definitions
        if definition.schedule
    }
    for alert in (
        *undelivered(project, instance, now),
        *failed_runs(location, instance, now),
        *over_limit_alerts(on, schedules, now),
        *(_is_late(late, now) for late in late_exports(location, on, partial(late_after_hours, rules), now)),
    ):
        project.ledger.notice(alert)


def tell(project: Project, rules: tuple[AlertRule, ...], log: Log) -> int:
    """Tells every open alert through each channel that has not got it; returns how many are told everywhere."""
    ended = 0
    for alert in project.ledger.open_alerts():
        channels = [
            (f"{rule_no}.{number} {channel.kind}", channel)
            for rule_no, rule in enumerate(rules, start=1)
            if rule.concerns(alert.export, alert.kind)
            for number, channel in enumerate(rule.to, start=1)
        ]
        channel_names = list(alert.notified)
        for name, channel in channels:
            if name not in channel_names and _tell_one(project, channel, alert, log):
                channel_names.append(name)
        whole = all(name in channel_names for name, _ in channels)
        over = whole or project.now() - alert.noticed_at > LOOK_BACK
        project.ledger.record_notified(alert, channel_names, project.now() if over else None)
        ended += whole and bool(channels)
    return ended


def _tell_one(project: Project, channel: Channel, alert: Alert, log: Log) -> bool:
    """A channel that is broken is told in the sensor's log, and tried again at the next tick."""
    from export_pipelines.alerts.channels import Message, open_channel  # HTTP, which no other run needs

    try:
        message = Message(alert.key, alert.export, alert.kind, alert.text, alert.then, alert.noticed_at)
        open_channel(channel, project.resources).tell(message)
    except ExportError as error:
        log(f"{alert.key} could not be told by {channel.kind}: {error}")
        return False
    return True


def _is_late(late: LateExport, now: datetime) -> Alert:
    due_at = iso(late.due_at)
    return Alert(
        key=f"late {late.export} {due_at}",
        export=late.export,
        kind="late",
        text=f"window {late.window_key}, due at {due_at}, has not arrived everywhere {late.hours:g} hours later",
        then=f"export-pipelines deliveries --export {late.export}",
        noticed_at=now,
    )
