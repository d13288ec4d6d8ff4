"""Takes back what a delivery put at a place: only files that stand there with the digests that were delivered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from export_pipelines.artifacts import Manifest
from export_pipelines.delivery.receipt import Receipt
from export_pipelines.errors import ExportError

CHANGED = "what stands there is not, or no longer, what was delivered"


@dataclass(frozen=True)
class Removal:
    """`removed` are names of files that are gone from the place now; `left` says of others why they are not. Files that
    were not there any more are in neither."""

    removed: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Removing(Protocol):
    """A destination from which files can be taken back.

    remove: the files of a receipt for this manifest, the delivered manifest first. Raises ExportError for a place that
            cannot be reached.
    """

    def remove(self, manifest: Manifest, receipt: Receipt) -> Removal: ...


def delivered_digests(manifest: Manifest, receipt: Receipt) -> dict[str, str]:
    """Name -> SHA-256 of what was delivered. Receipts of earlier releases name no digests: those of the artifact hold."""
    if receipt.digests:
        return dict(receipt.digests)
    digests = [*(part.sha256 for part in manifest.parts), receipt.sha256]
    return dict(zip(receipt.files, digests, strict=False))


def remove_files(
    digests: Mapping[str, str],
    digest_there: Callable[[str], str | None],
    remove: Callable[[str], None],
) -> Removal:
    """Removes the files whose digest there is the one in `digests`, the last one first: it is the manifest.

    `digest_there` gives None for a file that is not there.
    """
    removed, left = list[str](), dict[str, str]()
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
    return Removal(tuple(removed), left)


def all_left(receipt: Receipt, why: str) -> Removal:
    return Removal(left=dict.fromkeys(receipt.files, why))
