"""What happened: requests, artifacts, deliveries, every attempt at one, and the audit, in a database of the program's own."""

from export_pipelines.ledger.alert import Alert, AlertKind
from export_pipelines.ledger.api_keys import ApiKey, ApiKeys
from export_pipelines.ledger.audit_action import AuditAction, AuditOutcome
from export_pipelines.ledger.audit_entries import AuditEntry, AuditRecord
from export_pipelines.ledger.audit_log import AuditLog
from export_pipelines.ledger.copies import (
    copies_of_others,
    earlier_placings,
    handed_over,
    unfinished_placings,
)
from export_pipelines.ledger.delivery import ENDED_BADLY, OPEN, STATES, Delivery, State
from export_pipelines.ledger.erased import mark_erased, run_of
from export_pipelines.ledger.export_requests import UNFINISHED, ExportRequest, ExportRequests, Status
from export_pipelines.ledger.holds import Hold, HoldKind, Holds
from export_pipelines.ledger.ledger import Ledger
from export_pipelines.ledger.links import Link, Links
from export_pipelines.ledger.open_ledger import ledger_of, open_ledger
from export_pipelines.ledger.run_leases import LeaseCounts, RunLease, RunLeases
from export_pipelines.ledger.sessions import Sessions
from export_pipelines.ledger.streams import Lease, Progress, Streams, StreamState
from export_pipelines.ledger.windows import ArtifactRecord, WindowRecord, recent_artifacts

__all__ = [
    "ENDED_BADLY",
    "OPEN",
    "STATES",
    "UNFINISHED",
    "Alert",
    "AlertKind",
    "ApiKey",
    "ApiKeys",
    "ArtifactRecord",
    "AuditAction",
    "AuditEntry",
    "AuditLog",
    "AuditOutcome",
    "AuditRecord",
    "Delivery",
    "ExportRequest",
    "ExportRequests",
    "Hold",
    "HoldKind",
    "Holds",
    "Lease",
    "LeaseCounts",
    "Ledger",
    "Link",
    "Links",
    "Progress",
    "RunLease",
    "RunLeases",
    "Sessions",
    "State",
    "Status",
    "StreamState",
    "Streams",
    "WindowRecord",
    "copies_of_others",
    "earlier_placings",
    "handed_over",
    "ledger_of",
    "mark_erased",
    "open_ledger",
    "recent_artifacts",
    "run_of",
    "unfinished_placings",
]
