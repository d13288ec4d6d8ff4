"""Faults of the program, put in on purpose: the campaign must find each of them, or it proves nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


def _parts_not_durable() -> None:
    """The parts of an artifact are not made durable before the manifest that vouches for them."""
    from export_pipelines.artifacts.folder.staging import FolderPart

    def finish(self: FolderPart) -> None:
        self._file.close()
        self.temporary.rename(self.path)

    FolderPart.finish = finish  # type: ignore[method-assign]


def _manifest_first() -> None:
    """The manifest appears before the parts have their names."""
    from export_pipelines.artifacts import Manifest
    from export_pipelines.artifacts.folder import staging

    commit, finish = staging.FolderStaging.commit, staging.FolderPart.finish
    later: list[staging.FolderPart] = []

    def named(self: staging.FolderStaging, manifest: Manifest) -> Manifest:
        done = commit(self, manifest)
        for part in later:
            finish(part)
        return done

    staging.FolderPart.finish = later.append  # type: ignore[assignment,method-assign]
    staging.FolderStaging.commit = named  # type: ignore[method-assign]
    vars(staging)["require_whole"] = lambda *_: None
    staging.FolderStaging._remove_unlisted = lambda *_: None  # type: ignore[method-assign]


def _delivery_without_intent() -> None:
    """A mail is handed over before the ledger knows of it."""
    from export_pipelines.ledger.attempt import Attempt

    Attempt.handing = lambda self, item: None  # type: ignore[method-assign]


def _no_lock() -> None:
    """Nobody is kept from sending what another process is sending, nor asks whether it still may."""
    from export_pipelines.ledger import attempt
    from export_pipelines.ledger.locks import FileLocks

    @contextmanager
    def hold(self: FileLocks, lock_key: str) -> Iterator[bool]:
        yield True

    FileLocks.hold = hold  # type: ignore[method-assign]
    vars(attempt)["require_last"] = lambda *_: None


def _cursor_first() -> None:
    """The cursor of a stream moves before its records are at the sink."""
    from export_pipelines.streaming.sender import Sender
    from export_pipelines.streaming.sink import Sent

    commit = Sender.commit

    def early(self: Sender) -> None:
        send, rows = self.sink.commit, self.pending.rows
        vars(self.sink)["commit"] = lambda intend: Sent(rows, 0)
        commit(self)
        del vars(self.sink)["commit"]
        send(lambda intention: None)

    Sender.commit = early  # type: ignore[method-assign]


MUTATIONS: Mapping[str, Callable[[], None]] = {
    "": lambda: None,
    "parts that are not durable": _parts_not_durable,
    "the manifest before the parts": _manifest_first,
    "a delivery without intent": _delivery_without_intent,
    "no lock of a delivery": _no_lock,
    "a cursor before its records": _cursor_first,
}


def mutate(name: str) -> None:
    """Breaks this process's program so."""
    MUTATIONS[name]()
