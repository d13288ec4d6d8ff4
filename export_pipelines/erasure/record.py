"""The deletion record of an artifact: read from the audit, whose chain proves it, as often as it is asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from export_pipelines.errors import RequestError
from export_pipelines.ledger import STATES, AuditAction, AuditEntry, AuditOutcome, Ledger


@dataclass(frozen=True)
class ErasureRecord:
    """`started` and `ended` are entries of the audit, `ended` None for an erasure that was killed; `places` maps the ids of
    deliveries to where they went."""

    artifact: str
    started: AuditEntry
    ended: AuditEntry | None
    places: dict[str, str]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that another try could reach."""
        if self.ended is None or self.ended.outcome == AuditOutcome.FAILED or self._ended("run_left"):
            return False
        return len(self.reached) == len(self._ended("copies", []))

    @property
    def reached(self) -> list[dict[str, Any]]:
        """Of the copies those that need no other try, as the audit has them."""
        return [copy for copy in self._ended("copies", []) if not copy.get("unreached")]

    @property
    def run(self) -> str | None:
        """Dagster's run whose record was erased."""
        run = self._ended("run")
        return run if isinstance(run, str) else None

    def was_asked_by(self, why: Mapping[str, Any]) -> bool:
        """Whether the erasure has the reason `why`."""
        return all(self.started.detail.get(name) == value for name, value in why.items())

    def as_dict(self) -> dict[str, Any]:
        entries = [self.started, *([self.ended] if self.ended else [])]
        return {
            "artifact": self.artifact,
            "by": self.started.actor,
            "started_at": self.started.at.isoformat(),
            "ended_at": self.ended.at.isoformat() if self.ended else None,
            "outcome": self.ended.outcome if self.ended else "unfinished",
            "what": dict(self.started.detail),
            "copies": [
                {**copy, "place": self.places.get(copy["delivery"], "")} for copy in self._ended("copies", [])
            ],
            "run": self.run,
            "run_left": self._ended("run_left"),
            "audit": [{"entry": entry.id, "sha256": entry.hash} for entry in entries],
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        record, what = self.as_dict(), self.started.detail
        yield f"Deletion record of {self.artifact}"
        yield f"by {record['by']}, from {record['started_at']} to {record['ended_at'] or '?'}: {record['outcome']}"
        yield f"why: {what.get('why', 'artifact')}" + (f" {what['lead']}" if "lead" in what else "")
        key = ", sealed: its data key was destroyed" if what.get("sealed") else ", not sealed"
        content = "its manifest was damaged" if what.get("damaged") else f"{what.get('rows', 0):,} rows"
        yield f"{content}{key}"
        for name, sha256 in what.get("parts", {}).items():
            yield f"  part {name}, SHA-256 {sha256}"
        for copy in record["copies"]:
            yield f"  copy by {copy['kind']} at {copy['place'] or 'an unknown place'}: {_became(copy)}"
        if record["run"]:
            yield f"  Dagster's record of run {record['run']} was erased"
        if record["run_left"]:
            yield f"  Dagster's record of its run is left: {record['run_left']}"
        for entry in record["audit"]:
            yield f"audit entry {entry['entry']}, SHA-256 {entry['sha256']}"

    def _ended(self, name: str, default: Any = None) -> Any:
        return self.ended.detail.get(name, default) if self.ended else default


def erasure_record(ledger: Ledger, artifact: str) -> ErasureRecord:
    """The record of the last erasure of the artifact. Raises RequestError where there was none."""
    records = _records(ledger)
    if artifact not in records:
        raise RequestError("it was not erased", where=artifact, remedy="export-pipelines artifacts lists all")
    places = {
        delivery.id: delivery.receipt.target if delivery.receipt else delivery.target
        for delivery in ledger.deliveries(artifact=artifact, states=STATES)
    }
    return replace(records[artifact], places=places)


def unfinished(ledger: Ledger) -> list[ErasureRecord]:
    """Of each artifact whose last erasure was killed, failed, or did not reach everything: the record of it, without places."""
    return [record for record in _records(ledger).values() if not record.is_complete]


def _records(ledger: Ledger) -> dict[str, ErasureRecord]:
    """The last erasure of each artifact."""
    records, ends = dict[str, ErasureRecord](), dict[int, AuditEntry]()
    for entry in ledger.audit(AuditAction.ERASED):
        if entry.outcome in (AuditOutcome.STARTED, None):
            records[entry.subject] = ErasureRecord(entry.subject, entry, None, {})
        elif isinstance(entry.detail.get("entry"), int):
            ends[entry.detail["entry"]] = entry
    return {
        artifact: replace(record, ended=ends.get(record.started.id)) for artifact, record in records.items()
    }


def _became(copy: dict[str, Any]) -> str:
    texts = []
    if copy["removed"]:
        texts.append(f"{copy['removed']} {_files(copy['removed'])} removed")
    if copy["left"]:
        texts.append(f"{copy['left']} {_files(copy['left'])} left ({'; '.join(copy['why'])})")
    return ", ".join(texts) or "nothing was there any more"


def _files(count: int) -> str:
    return "file" if count == 1 else "files"
