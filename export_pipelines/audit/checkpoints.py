"""Checkpoints of the audit: signed, and sent to the places that alerts.yaml names, daily and on demand."""

from datetime import datetime

from export_pipelines.alerts.rules import checkpoint_places
from export_pipelines.delivery import Resources
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Ledger
from export_pipelines.ledger.checkpoint import Signer, open_note
from export_pipelines.ledger.verify_audit import sign_checkpoint
from export_pipelines.settings import Settings


def sign(ledger: Ledger, settings: Settings, at: datetime) -> str:
    """The signed note of the audit as it stands. Raises SettingsError without AUDIT_KEY."""
    return sign_checkpoint(ledger.engine, Signer(settings.audit_key.active("audit")), at)


def send_checkpoint(note: str, resources: Resources, at: datetime) -> list[str]:
    """Sends the note to each place of alerts.yaml; gives those that have it. Raises the first ExportError, once the others
    were tried."""
    from export_pipelines.alerts.send_checkpoint import open_place  # with boto3

    size = open_note(note, Signer(resources.settings.audit_key.active("audit")).public).size
    places, errors = list[str](), list[ExportError]()
    for settings in checkpoint_places(resources.settings.alerts):
        try:
            places.append(open_place(settings, resources).send(note, size, at))
        except ExportError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return places


def daily_checkpoint(ledger: Ledger, resources: Resources, at: datetime) -> list[str]:
    """Signs and sends, and gives the places. Without AUDIT_KEY nothing is done, unless alerts.yaml names places: then it
    raises SettingsError."""
    settings = resources.settings
    if not settings.audit_key.local and not checkpoint_places(settings.alerts):
        return []
    return send_checkpoint(sign(ledger, settings, at), resources, at)
