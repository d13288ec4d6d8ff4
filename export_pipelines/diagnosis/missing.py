"""Why is my file missing? Runs, deliveries, retention, rights."""

from collections.abc import Iterator

from export_pipelines.diagnosis.case import Case
from export_pipelines.diagnosis.finding import Finding
from export_pipelines.ledger import Delivery

DAEMON = "Start Dagster: `export-pipelines ui`, or the daemon of the installation."


def why_missing(case: Case) -> Iterator[Finding]:
    yield from _refused(case)
    yield from _never_ran(case)
    yield from _last_run(case)
    yield from _nowhere(case)
    for delivery in case.deliveries:
        yield _delivered(case, delivery)
    yield from _expired(case)


def _refused(case: Case) -> Iterator[Finding]:
    """What a run would be refused for today."""
    if case.fault:
        yield Finding("bad", f"A run would be refused now: {case.fault}", case.fault.remedy)
    if case.silent_daemons:
        names, verb = ", ".join(case.silent_daemons).lower(), "do" if len(case.silent_daemons) > 1 else "does"
        text = f"Nothing takes runs from the queue: Dagster's {names} {verb} not answer."
        yield Finding("bad", text, DAEMON)


def _never_ran(case: Case) -> Iterator[Finding]:
    if case.records or case.runs:
        return
    yield Finding(
        "note",
        "The export has never run.",
        f"Run it: `{case.command(*case.next_keys)}`, or “Run now” on its page.",
    )


def _last_run(case: Case) -> Iterator[Finding]:
    run = case.runs[0] if case.runs else None
    if run is None:
        return
    at = f"{run.at:%Y-%m-%d %H:%M} UTC"
    if run.status == "failed":
        reason = case.observed.reason(run.run_id)
        command = case.command(*case.observed.failed_keys(run))
        then = f"Mend what it says, then run it again: `{command}`."
        yield Finding("bad", f"The last run failed at {at}: {reason}", then)
    elif run.status == "queued":
        yield Finding("busy", f"A run waits for its turn since {at}.", "Wait; other runs go first.")
    elif run.status == "running":
        yield Finding("busy", f"A run is under way since {at}.", "Wait for its end.")
    elif run.status == "cancelled":
        yield Finding(
            "bad", f"The last run was cancelled at {at}.", f"Run it again: `{case.command(*run.keys)}`."
        )
    else:
        yield Finding("good", f"The last run ended well at {at}.")


def _nowhere(case: Case) -> Iterator[Finding]:
    definition, newest = case.definition, case.manifest
    if not definition.deliver:
        text = "The export is delivered to nowhere: its files are kept here, to be downloaded."
        yield Finding("note", text, "Download them on the export's page, or add `deliver:` to its file.")
    elif definition.skip_empty and newest is not None and newest.rows == 0:
        text = "The newest file has no rows, and the export says `skip_empty`: it was not delivered."
        yield Finding("bad", text, "See why it is empty, or take `skip_empty` out of the export's file.")


def _delivered(case: Case, delivery: Delivery) -> Finding:
    place = f"{delivery.kind} {delivery.target}".strip()
    again = f"`export-pipelines deliver {delivery.artifact} --to {delivery.number}`"
    match delivery.state:
        case "delivered":
            at = f"{delivery.ended_at:%Y-%m-%d %H:%M} UTC" if delivery.ended_at else "once"
            files = ", ".join(delivery.receipt.files) if delivery.receipt else ""
            then = f"Look there for: {files}" if files else ""
            return Finding("good", f"The newest file arrived at {place}, {at}.", then)
        case "uncertain":
            text = f"The newest file may have arrived at {place}: {delivery.error}"
            return Finding("bad", text, f"Look there; if it is not there, send it again: {again} --again.")
        case "failed":
            text = f"The newest file did not arrive at {place}: {delivery.error}"
            return Finding("bad", text, f"Mend what it says, then: {again}.")
        case "retrying":
            when = f" at {delivery.next_at:%Y-%m-%d %H:%M} UTC" if delivery.next_at else ""
            text = f"The newest file has not arrived at {place} yet: {delivery.error}"
            return Finding("busy", text, f"It is tried again{when}; or now: {again}.")
        case _:
            return Finding("busy", f"The newest file is on its way to {place}.", "Wait.")


def _expired(case: Case) -> Iterator[Finding]:
    if case.records and case.manifest is None:
        kept = case.definition.retention or "as long as the settings say"
        command = case.command(case.records[-1].window_key)
        text = f"Files were written, the last at {case.records[-1].created_at:%Y-%m-%d %H:%M} UTC, and none is kept any more ({kept})."
        yield Finding(
            "bad", text, f"Run the window again: `{command}`; a longer `retention:` keeps files longer."
        )
