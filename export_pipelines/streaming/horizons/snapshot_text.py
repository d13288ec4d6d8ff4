"""A snapshot of PostgreSQL as it is written: which transactions were over when it was taken."""

import re
from dataclasses import dataclass
from typing import Self

from export_pipelines.errors import RequestError
from export_pipelines.streaming.horizons.rows import START_AGAIN

PATTERN = re.compile(r"(\d+):(\d+):([\d,]*)")
EPOCH = 2**32  # numbers of transactions in the log have 32 bits


@dataclass(frozen=True)
class Snapshot:
    """Transactions before `begin` were over, and of those before `end` all that are not `open`."""

    begin: int
    end: int
    open: frozenset[int]

    @classmethod
    def read(cls, text: str) -> Self:
        match = PATTERN.fullmatch(text)
        if match is None:
            raise RequestError("the cursor of the stream holds no snapshot", remedy=START_AGAIN)
        return cls(
            int(match[1]), int(match[2]), frozenset(int(number) for number in match[3].split(",") if number)
        )

    def shows(self, xid: int) -> bool:
        """Whether it shows what the transaction wrote that has this number in 32 bits, and is not 2^31 transactions away."""
        distance = (xid - self.end + EPOCH // 2) % EPOCH - EPOCH // 2
        number = self.end + distance
        return number < self.begin or (number < self.end and number not in self.open)


def end_of(snapshot: str) -> str:
    """The first transaction that had not begun."""
    return str(Snapshot.read(snapshot).end)


def open_in(snapshot: str) -> str:
    """The transactions that were not over, as an array of PostgreSQL."""
    return "{" + snapshot.rpartition(":")[2] + "}"
