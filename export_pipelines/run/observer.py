"""Who listens to a run: a terminal's progress, Dagster, loggers, metrics. One mechanism for all of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from export_pipelines.run.part_writer import WrittenPart
    from export_pipelines.run.statistics import Written


@dataclass(frozen=True)
class Run:
    """A run that starts: `window` is its key, `artifact` is what it will make."""

    export: str
    window: str
    artifact: str


@dataclass(frozen=True)
class Batch:
    """What a stage (extract, mask, encode, store) made in one go: `bytes` in memory, of encode before compression, of store as
    stored; `seconds` busy, not waiting."""

    stage: str
    rows: int
    bytes: int
    seconds: float


class Observer(Protocol):
    """Hears of one run after another, and never of a value of a row.

    `started` comes first, then `batch_done` and `part_done`, and `finished` or `failed` last. `batch_done` is called in the
    threads of the stages, several at once, all others in the caller's. None may take long; what they raise ends the run.

    started:    nothing was asked of the source yet.
    batch_done: a stage made something that the next one takes.
    part_done:  a part is durable.
    finished:   the artifact is committed.
    failed:     nothing was kept; `error` is raised to the caller after this.
    """

    def started(self, run: Run) -> None: ...

    def batch_done(self, batch: Batch) -> None: ...

    def part_done(self, part: "WrittenPart") -> None: ...

    def finished(self, written: "Written") -> None: ...

    def failed(self, error: BaseException) -> None: ...


class Deaf:
    """An observer that hears nothing; one that listens to some of it overrides that."""

    def started(self, run: Run) -> None:
        pass

    def batch_done(self, batch: Batch) -> None:
        pass

    def part_done(self, part: "WrittenPart") -> None:
        pass

    def finished(self, written: "Written") -> None:
        pass

    def failed(self, error: BaseException) -> None:
        pass


class Observers:
    """Several that listen to the same runs, in this order."""

    def __init__(self, *observers: Observer) -> None:
        self.observers = observers

    def started(self, run: Run) -> None:
        for observer in self.observers:
            observer.started(run)

    def batch_done(self, batch: Batch) -> None:
        for observer in self.observers:
            observer.batch_done(batch)

    def part_done(self, part: "WrittenPart") -> None:
        for observer in self.observers:
            observer.part_done(part)

    def finished(self, written: "Written") -> None:
        for observer in self.observers:
            observer.finished(written)

    def failed(self, error: BaseException) -> None:
        for observer in self.observers:
            observer.failed(error)
