"""What a check says of one export, or of what else it looked at."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from export_pipelines.errors import ExportError, faults_in

STORE, SOURCE, LEDGER, ALERTS, ALLOWED, ACCESS, CLUSTER = OTHERS = (
    *("artifact store", "source", "ledger"),
    *("alerts", "allowed", "access", "cluster"),
)

_PLACE = re.compile(r"(.+?):([0-9]+): ")


class CheckFault(NamedTuple):
    """`name` is the export, or what else was looked at; an `error` keeps it from running, a `warning` or a `note` does not."""

    name: str
    severity: Literal["error", "warning", "note"]
    text: str

    def rank(self) -> tuple[str, str, str, int, str]:
        """By which faults are sorted: those of one file by the number of their line."""
        place = _PLACE.match(self.text)
        file, line = (place[1], int(place[2])) if place else ("", 0)
        return self.name, self.severity, file, line, self.text


def faults_of(name: str, error: ExportError) -> Iterator[CheckFault]:
    for fault in faults_in(str(error)):
        yield CheckFault(name, "error", fault)
