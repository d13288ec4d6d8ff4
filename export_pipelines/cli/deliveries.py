"""`deliveries` and `deliver`: what went where, and sending it again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.artifacts import Artifact
from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.delivered import files_of, require_known
from export_pipelines.cli.runs import instance_of
from export_pipelines.cli.tables import Columns, Json, show_listing
from export_pipelines.errors import RequestError, unknown
from export_pipelines.listings import delivery_listing
from export_pipelines.project import Project
from export_pipelines.quantities import size

if TYPE_CHECKING:
    from export_pipelines.ledger import Delivery


def deliveries(
    context: typer.Context,
    export: Annotated[str | None, typer.Option(help="Only those of this export.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that a person has to look at.")
    ] = False,
    json: Json = False,
) -> None:
    """What was delivered where, what is still tried, and what failed; the newest artifacts first."""
    project = project_of(context)
    if export is not None:
        require_known(project, export)
    from export_pipelines.ledger import OPEN

    ledger = project.ledger
    deliveries = ledger.deliveries(export, states=("failed", "uncertain") if failed else None)
    waiting = len(ledger.deliveries(export, states=OPEN)) if failed and not deliveries else 0
    none = f"none has failed; {waiting} are still to arrive, and tried again" if waiting else "no deliveries"
    show_listing(
        deliveries, COLUMNS, lambda delivery: delivery_listing(ledger, delivery), json=json, empty=none
    )
    for delivery in deliveries:
        if delivery.error and delivery.state != "delivered" and not json:
            say(f"{delivery.artifact} to {delivery.number}: {delivery.error}{_what_then(delivery)}")


def deliver(
    context: typer.Context,
    artifact: Artifact,
    to: Annotated[
        int | None, typer.Option(help="Only to this destination, by its place under `deliver:`.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Send also what arrived already.")] = False,
    asker: As = None,
) -> None:
    """Deliver an artifact as its export now says: what failed, or is uncertain, or with --again everything."""
    from export_pipelines.orchestration import redeliver

    project = asking(context, asker)
    chosen = _chosen(project, project.full_name(artifact), to)
    with instance_of(project) as instance:
        done = redeliver(project, [delivery.id for delivery in chosen], again, instance=instance)
    ledger = project.ledger
    for delivery in (ledger.delivery(delivery.id) for delivery in chosen):
        if delivery.state == "delivered" and delivery.receipt:
            for file in files_of(delivery.receipt):
                show(file)
    for text in done.failures.values():
        say(f"error: {text}")
    raise typer.Exit(done.exit_code)


def _chosen(project: Project, artifact: str, number: int | None) -> list["Delivery"]:
    """The artifact's deliveries by today's definition, registered; those of its run where that had overrides or narrowed rights.
    RequestError when there is none such."""
    from export_pipelines.definition.delivery import read_entry
    from export_pipelines.plan.output import destinations

    manifest = project.store.manifest(artifact)
    request = project.bare_request(project.definition(manifest.export), manifest.window)
    deliveries: Sequence[Delivery]
    if manifest.is_usual:
        deliveries = project.ledger.register(manifest, destinations(request), None, project.now())
    else:  # it has a place of its own, beside that of the definition's files
        deliveries = project.ledger.deliveries(artifact=artifact)
    chosen = [delivery for delivery in deliveries if number in (None, delivery.number)]
    if not chosen:
        numbers = [str(delivery.number) for delivery in deliveries]
        text = (
            unknown("destination", str(number), numbers) if deliveries else "its export delivers to nowhere"
        )
        raise RequestError(text, where=artifact, remedy=f"see deliver: in {request.definition.path}")
    for delivery in chosen:
        project.require_deliverable(manifest, read_entry(delivery.entry), project.asker)
    return chosen


def _what_then(delivery: "Delivery") -> str:
    if delivery.next_at:
        return (
            f"; tried again at {delivery.next_at:%Y-%m-%d %H:%M:%S} if Dagster runs then, "
            f"or now by: export-pipelines deliver {delivery.artifact} --to {delivery.number}"
        )
    again = " --again" if delivery.state == "uncertain" else ""
    return f"; then: export-pipelines deliver {delivery.artifact} --to {delivery.number}{again}"


COLUMNS: "Columns[Delivery]" = {
    "artifact": lambda delivery: delivery.artifact,
    "to": lambda delivery: delivery.number,
    "where": lambda delivery: f"{delivery.kind} {delivery.target}".strip(),
    "state": lambda delivery: delivery.state,
    "attempts": lambda delivery: delivery.attempts,
    "size": lambda delivery: size(delivery.bytes),
    "when (UTC)": lambda delivery: f"{delivery.ended_at or delivery.registered_at:%Y-%m-%d %H:%M:%S}",
}
