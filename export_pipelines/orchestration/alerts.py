"""What people are told: a sensor looks for what failed, is late or looks odd, writes it into the ledger, and tells it once."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
from cronsim import CronSim
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.alerts import AlertRule, late_after_hours, load_alerts
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Alert, Delivery
from export_pipelines.ledger.delivery import ENDED_BADLY
from export_pipelines.orchestration.due import ATTEMPT_TAG
from export_pipelines.orchestration.failures import failures_of
from export_pipelines.orchestration.jobs import EXPORT_TAG
from export_pipelines.orchestration.names import schedule_name
from export_pipelines.orchestration.workshop import Workshop
from export_pipelines.plan.plan import iso
from export_pipelines.plan.window import WHOLE_KEY, scheduled_window

EVERY_S = 60
LOOK_BACK = timedelta(days=2)  # what is older was told, or is known
Log = Callable[[str], None]


def alert_sensor(workshop: Workshop) -> dg.SensorDefinition:
    """Tells people by the rules of `alerts.yaml`; it asks for no runs."""

    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        rules = load_alerts(workshop.settings.alerts)
        if not rules:
            return dg.SkipReason(f"nobody is to be told: there is no {workshop.settings.alerts.name}")
        notice(workshop, context.instance, rules)
        told = tell(workshop, rules, context.log.error)
        return dg.SkipReason(f"{told} alerts told")

    return dg.SensorDefinition(
        name="alerts",
        evaluation_fn=alerts,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people what failed for good, is late or looks odd, by the rules of alerts.yaml",
    )


def notice(workshop: Workshop, instance: dg.DagsterInstance, rules: tuple[AlertRule, ...]) -> None:
    """Writes down what is to be told. Raises nothing that it has noticed before."""
    now = workshop.now()
    for alert in (
        *(_undelivered(one, now) for one in _ended_badly(workshop, now)),
        *_failed_runs(workshop, instance, now),
        *_late(workshop, instance, rules, now),
    ):
        workshop.ledger.notice(alert)


def tell(workshop: Workshop, rules: tuple[AlertRule, ...], log: Log) -> int:
    """Tells every open alert through each channel that has not got it; returns how many are told everywhere."""
    ended = 0
    for alert in workshop.ledger.open_alerts():
        channels = [
            (f"{rule_no}.{number} {kind}", kind, settings)
            for rule_no, rule in enumerate(rules, start=1)
            if rule.concerns(alert.export, alert.kind)
            for number, (kind, settings) in enumerate(rule.channels(), start=1)
        ]
        told = list(alert.told)
        for name, kind, settings in channels:
            if name not in told and _tell_one(workshop, kind, settings, alert, log):
                told.append(name)
        whole = all(name in told for name, *_ in channels)
        over = whole or workshop.now() - alert.noticed_at > LOOK_BACK
        workshop.ledger.told(alert, told, workshop.now() if over else None)
        ended += whole and bool(channels)
    return ended


def _tell_one(workshop: Workshop, kind: str, settings: object, alert: Alert, log: Log) -> bool:
    """A channel that is broken is told in the sensor's log, and tried again at the next tick."""
    from export_pipelines.delivery.alerting import Message, open_channel  # HTTP, which no other run needs

    try:
        message = Message(alert.key, alert.export, alert.kind, alert.text, alert.then, alert.noticed_at)
        open_channel(kind, settings, workshop.resources).tell(message)
    except ExportError as error:
        log(f"{alert.key} could not be told by {kind}: {error}")
        return False
    return True


def _ended_badly(workshop: Workshop, now: datetime) -> Iterator[Delivery]:
    for one in workshop.ledger.deliveries(states=ENDED_BADLY):
        if one.ended_at and one.ended_at > now - LOOK_BACK:
            yield one


def _undelivered(one: Delivery, now: datetime) -> Alert:
    word = "may not have arrived" if one.state == "uncertain" else "was not delivered"
    again = " --again" if one.state == "uncertain" else ""
    return Alert(
        key=f"delivery {one.id} {one.attempts}",
        export=one.export,
        kind="failure",
        text=f"window {one.window_key} {word} to {one.kind} (destination {one.number}): {one.error}",
        then=f"export-pipelines deliver {one.artifact} --to {one.number}{again}",
        noticed_at=now,
    )


def _failed_runs(workshop: Workshop, instance: dg.DagsterInstance, now: datetime) -> Iterator[Alert]:
    """Runs of which a window did not become an artifact; what became of artifacts is told by the ledger."""
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - LOOK_BACK)
    for run in instance.get_runs(wanted):
        export = run.tags.get(EXPORT_TAG)
        if export is None or run.tags.get(ATTEMPT_TAG, "1") != "1":
            continue  # of a schedule's window the first failure is told, then that it was given up
        faults = failures_of(instance, run.run_id)
        undelivered = {
            one.window_key for one in workshop.ledger.deliveries(export) if one.state != "delivered"
        }
        told = {key: text for key, text in faults.items() if key not in undelivered}
        if told or not faults:
            yield _failed(run.run_id, export, told, now)


def _failed(run_id: str, export: str, faults: Mapping[str, str], now: datetime) -> Alert:
    lines = [f"window {key}: {text}" if key else text for key, text in faults.items()]
    return Alert(
        key=f"run {run_id}",
        export=export,
        kind="failure",
        text="\n".join(lines) or "the run's process died",
        then=f"its page in the Dagster UI, /runs/{run_id}; then run it again",
        noticed_at=now,
    )


def _late(
    workshop: Workshop, instance: dg.DagsterInstance, rules: tuple[AlertRule, ...], now: datetime
) -> Iterator[Alert]:
    since = _running_schedules(instance)
    for definition in workshop.loaded.definitions:
        hours = late_after_hours(rules, definition.name)
        on_since = since.get(schedule_name(definition))
        if hours is None or on_since is None or definition.schedule is None:
            continue
        tick = next(CronSim(definition.schedule, now - timedelta(hours=hours), reverse=True))
        if tick >= on_since and not _has_arrived(workshop, definition, tick):
            yield _is_late(definition, tick, hours, now)


def _running_schedules(instance: dg.DagsterInstance) -> dict[str, datetime]:
    """Since when each schedule is turned on."""
    states = instance.all_instigator_state(
        instigator_type=InstigatorType.SCHEDULE, instigator_statuses={InstigatorStatus.RUNNING}
    )
    return {
        one.name: datetime.fromtimestamp(getattr(one.instigator_data, "start_timestamp", None) or 0, UTC)
        for one in states
    }


def _has_arrived(workshop: Workshop, definition: ExportDefinition, tick: datetime) -> bool:
    key = scheduled_window(definition, tick).key
    return workshop.ledger.arrived(definition.name, key, tick if key == WHOLE_KEY else None)


def _is_late(definition: ExportDefinition, tick: datetime, hours: float, now: datetime) -> Alert:
    window = scheduled_window(definition, tick)
    return Alert(
        key=f"late {definition.name} {iso(tick)}",
        export=definition.name,
        kind="late",
        text=f"window {window.key}, due at {iso(tick)}, has not arrived everywhere {hours:g} hours later",
        then=f"export-pipelines deliveries --export {definition.name}",
        noticed_at=now,
    )
