"""A progress bar on stderr, on a terminal only; elsewhere nothing is drawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from export_pipelines.cli.context import on_terminal


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
