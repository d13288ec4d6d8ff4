"""A part of the status: what it measures, and what follows from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from export_pipelines.diagnosis import Finding


@dataclass(frozen=True)
class StatusPart:
    """`figures` are for programs, with their unit in the name; a finding that is `bad` needs somebody's attention."""

    name: str
    findings: Sequence[Finding]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_attention(self) -> bool:
        return any(finding.tone == "bad" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        findings = [finding.as_dict() for finding in self.findings]
        return {"ok": not self.needs_attention, "figures": self.figures, "findings": findings}


def span(time: timedelta) -> str:
    """For people: `45 s`, `12 min`, `5 h`, `3 days`."""
    seconds = max(time.total_seconds(), 0.0)
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} s"
