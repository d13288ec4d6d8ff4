"""Where artifacts go: a destination takes a finished artifact and gives a receipt."""

from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import Capabilities, Destination, Journal
from export_pipelines.delivery.encryption import Unused, discard_encrypted, sweep_encrypted
from export_pipelines.delivery.open_destination import open_destination, open_removing
from export_pipelines.delivery.receipt import Receipt
from export_pipelines.delivery.resources import Resources

__all__ = [
    "Artifact",
    "Capabilities",
    "Destination",
    "Journal",
    "Receipt",
    "Resources",
    "Unused",
    "discard_encrypted",
    "open_destination",
    "open_removing",
    "sweep_encrypted",
]
