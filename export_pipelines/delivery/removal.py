"""Takes back what a delivery put at a place: only files that stand there with the digests that were delivered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from export_pipelines.delivery.receipt import Receipt
from export_pipelines.errors import ExportError

CHANGED = "what stands there is not, or no longer, what was delivered"


@dataclass(frozen=True)
class Removal:
    """`removed` are names of files that are gone from the place now; `left` says of others why they are not, and
    `unreached` are those of them that a later try may reach. Files that were not there any more are in none."""

    removed: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    unreached: tuple[str, ...] = ()


@runtime_checkable
class Removing(Protocol):
    """A destination from which files can be taken back.

    remove: the files of a receipt that have the SHA-256 in `digests` (see `delivered_digests`), the delivered manifest
            first. Raises ExportError for a place that cannot be reached.
    """

    def remove(self, receipt: Receipt, digests: Mapping[str, str]) -> Removal: ...


def delivered_digests(receipt: Receipt, parts: Iterable[str]) -> dict[str, str]:
    """Name -> SHA-256 of what was delivered. Receipts of earlier releases name no digests: those of the artifact's `parts`
    hold."""
    return dict(receipt.digests) or dict(zip(receipt.files, [*parts, receipt.sha256], strict=False))


def remove_files(
    digests: Mapping[str, str],
    digest_there: Callable[[str], str | None],
    remove: Callable[[str], None],
) -> Removal:
    """Removes the files whose digest there is the one in `digests`, the last one first: it is the manifest.

    `digest_there` gives None for a file that is not there.
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
    return Removal(tuple(removed), left, tuple(unreached))


def all_left(receipt: Receipt, why: str, unreached: bool = False) -> Removal:
    return Removal(left=dict.fromkeys(receipt.files, why), unreached=receipt.files if unreached else ())
