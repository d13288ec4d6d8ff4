"""Who listens to a stream: a terminal's live line, Dagster's observations, the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class StreamProgress:
    """Since the stream began to run here: `rows` and `batches` at the sink, in `seconds`. `newest` is the time of the newest
    record, `late`, `doubtful` and `dead` are counts; `sequence` is that of the next record."""

    rows: int
    batches: int
    bytes: int
    seconds: float
    sequence: int
    newest: datetime | None
    late: int = 0
    doubtful: int = 0
    dead: int = 0

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0


class StreamObserver(Protocol):
    """progress: after a commit, and once a second while nothing is new. waiting: an error after which the stream tries
    again in `seconds`."""

    def progress(self, progress: StreamProgress) -> None: ...

    def waiting(self, error: Exception, seconds: float) -> None: ...


class Silent:
    """Hears nothing."""

    def progress(self, progress: StreamProgress) -> None:
        pass

    def waiting(self, error: Exception, seconds: float) -> None:
        pass
