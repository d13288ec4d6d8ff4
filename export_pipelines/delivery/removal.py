"""Takes back what a delivery put at a place: only files that stand there with the digests that were delivered, and the
unfinished ones of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from export_pipelines.delivery.receipt import Receipt
from export_pipelines.errors import ExportError

UNFINISHED = "unfinished files"
CHANGED = "what stands there is not, or no longer, what was delivered"


@dataclass(frozen=True)
class Removal:
    """`removed` are names of files that are gone from the place now; `left` says of others why they are not, and
    `unreached` are those of them that a later try may reach. Files that were not there any more are in none."""

    removed: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placing:
    """What a delivery put at a place, or began to: name -> SHA-256 of its `files`, the manifest last where it is delivered.
    `place` is named as receipts name it, `export` and `window_key` are those of the artifact as it was sent."""

    place: str
    export: str
    window_key: str
    files: Mapping[str, str]


@runtime_checkable
class Removing(Protocol):
    """A destination from which files can be taken back.

    remove: the files of a placing that stand there with its digests, the delivered manifest first, and what attempts at it
            left unfinished under names of their own. Raises ExportError for a place that cannot be reached.
    """

    def remove(self, placing: Placing) -> Removal: ...


def delivered_digests(receipt: Receipt, parts: Iterable[str]) -> dict[str, str]:
    """Name -> SHA-256 of what was delivered. Receipts of earlier releases name no digests: those of the artifact's `parts`
    hold."""
    return dict(receipt.digests) or dict(zip(receipt.files, [*parts, receipt.sha256], strict=False))


def remove_files(
    digests: Mapping[str, str],
    digest_there: Callable[[str], str | None],
    remove: Callable[[str], None],
    unfinished: Callable[[], Iterable[str]] = tuple,
) -> Removal:
    """Removes the files whose digest there is the one in `digests`, the last one first: it is the manifest.

    `digest_there` gives None for a file that is not there; `unfinished` removes what is not for readers, and names it.
    """
    removed, left, unreached = list[str](), dict[str, str](), list[str]()
    for name in reversed(list(digests)):
        try:
            digest = digest_there(name)
            if digest == digests[name]:
                remove(name)
                removed.append(name)
            elif digest is not None:
                left[name] = CHANGED
        except ExportError as error:
            left[name] = error.what
            unreached.append(name)
    try:
        removed += unfinished()
    except ExportError as error:
        left[UNFINISHED] = error.what
        unreached.append(UNFINISHED)
    return Removal(tuple(removed), left, tuple(unreached))


def all_left(files: Iterable[str], why: str, unreached: bool = False) -> Removal:
    names = tuple(files)
    return Removal(left=dict.fromkeys(names, why), unreached=names if unreached else ())
