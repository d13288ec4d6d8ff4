"""How the whole of it is: daemon, queue, runs, streams, deliveries, disks, keys and audit, each as figures and findings."""

from export_pipelines.status.part import StatusPart
from export_pipelines.status.status import status_of

__all__ = ["StatusPart", "status_of"]
