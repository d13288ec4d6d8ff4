"""Where artifacts go: a destination takes a finished artifact and gives a receipt."""

from export_pipelines.delivery.destination import Capabilities, Destination
from export_pipelines.delivery.open_destination import open_destination
from export_pipelines.delivery.receipt import Receipt

__all__ = ["Capabilities", "Destination", "Receipt", "open_destination"]
