"""The audit of what people and schedules do with a project: every entry about a use case is made here."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from export_pipelines.errors import ExportError, RequestError
from export_pipelines.system_user import system_user

if TYPE_CHECKING:
    from export_pipelines.ledger import AuditAction, AuditLog, AuditRecord, Ledger


@dataclass(frozen=True)
class AuditTrail:
    """The ledger is opened, and imported, when there is something to record. An `actor` of None is the system's user.

    Details hold names, numbers and digests: no filter value, no secret, no text of an error.
    """

    open_ledger: "Callable[[], Ledger]"
    now: Callable[[], datetime]

    @property
    def log(self) -> "AuditLog":
        from export_pipelines.ledger import AuditLog

        return AuditLog(self.open_ledger().engine)

    def record(self, *records: "AuditRecord") -> None:
        """In one transaction."""
        self.log.add(records, self.now())

    def changed(
        self,
        action: "AuditAction",
        subject: str,
        sha256: str | None,
        actor: str | None,
        owner: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Records a thing whose digest is another than when it was recorded last."""
        from export_pipelines.ledger import AuditRecord

        record = AuditRecord(actor or system_user(), action, subject, owner=owner, detail=detail or {})
        self.log.add_change(record, sha256, self.now())

    @contextmanager
    def recording(
        self, action: "AuditAction", subject: str, actor: str | None, owner: str | None
    ) -> Iterator[dict[str, Any]]:
        """What the block does, with what it adds to the details, once it ended: done, or failed. A refusal is
        recorded as one; of another wrong request nothing came."""
        from export_pipelines.ledger import AuditOutcome, AuditRecord

        detail: dict[str, Any] = {}
        who = actor or system_user()
        try:
            yield detail
        except ExportError as error:
            self.refused(error, actor, str(action), subject, owner)
            if not isinstance(error, RequestError):
                failed = {**detail, "code": error.code}
                self.record(AuditRecord(who, action, subject, AuditOutcome.FAILED, owner, failed))
            raise
        self.record(AuditRecord(who, action, subject, AuditOutcome.DONE, owner, detail))

    @contextmanager
    def refusals(
        self, actor: str | None, asked: str, subject: str, owner: str | None = None
    ) -> Iterator[None]:
        """Records what the block refuses; see `refused`."""
        try:
            yield
        except ExportError as error:
            self.refused(error, actor, asked, subject, owner)
            raise

    def refused(
        self, error: ExportError, actor: str | None, asked: str, subject: str, owner: str | None = None
    ) -> None:
        """Records a refusal, once however often it is passed on; other errors are none of the audit's. `asked` is the
        permission, action or command that was refused, `subject` what it was asked for."""
        if not error.is_refusal or error.is_recorded:
            return
        from export_pipelines.ledger import AuditAction, AuditOutcome, AuditRecord

        error.is_recorded = True
        text = hashlib.sha256(str(error).encode()).hexdigest()
        detail = {"asked": asked, "code": error.code, "where": error.where, "sha256": text}
        self.record(
            AuditRecord(
                actor or system_user(), AuditAction.DENIED, subject, AuditOutcome.DENIED, owner, detail
            )
        )
