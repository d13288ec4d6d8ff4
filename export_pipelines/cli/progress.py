"""A progress bar on stderr, on a terminal only; elsewhere nothing is drawn. Of runs it hears as their observer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from export_pipelines.cli.context import on_terminal
from export_pipelines.run.observer import Batch, Deaf, Run

if TYPE_CHECKING:
    from export_pipelines.run.statistics import Written


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how much is done so far; `total` None draws a bar without an end."""
    if not on_terminal():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


class Rows(Deaf):
    """Tells the rows of a run that are encoded so far."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.tell, self.rows = tell, 0

    def started(self, run: Run) -> None:
        self.rows = 0

    def batch_done(self, batch: Batch) -> None:
        if batch.stage == "encode" and batch.rows:
            self.rows += batch.rows
            self.tell(self.rows)


class Partitions(Deaf):
    """Tells how many of the partitions `keys` are behind a backfill, which goes through them in this order and leaves out
    those that are done."""

    def __init__(self, keys: Sequence[str], tell: Callable[[int], None]) -> None:
        self.keys, self.tell = keys, tell
        self.behind = 0

    def started(self, run: Run) -> None:
        self.behind = self.keys.index(run.window)
        self.tell(self.behind)

    def finished(self, written: "Written") -> None:
        self.leave(1)

    def failed(self, error: BaseException) -> None:
        self.leave(1)

    def leave(self, partitions: int) -> None:
        """So many more are behind it."""
        self.behind += partitions
        self.tell(self.behind)
