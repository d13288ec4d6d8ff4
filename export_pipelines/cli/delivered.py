"""Where the files of an artifact are now, by the receipts in the ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from export_pipelines.project import Project

if TYPE_CHECKING:
    from export_pipelines.delivery import Receipt


def require_known(project: Project, export: str) -> None:
    """Raises RequestError for an export that is neither defined now nor was ever delivered."""
    project.loaded.require(export, gone=(delivery.export for delivery in project.ledger.deliveries()))


def delivered_files(project: Project, artifact: str) -> Iterator[str]:
    """The parts of `artifact` at every destination that has them: a path, or `sftp sftp://host/folder/name`."""
    for delivery in project.ledger.deliveries(artifact=artifact, states=("delivered",)):
        if delivery.receipt:
            yield from files_of(delivery.receipt)


def files_of(receipt: "Receipt") -> Iterator[str]:
    for name in receipt.files:
        if name.endswith(".manifest.json"):
            continue
        if receipt.target.startswith("/"):
            yield str(_short(Path(receipt.target) / name))
        else:
            between = "/" if "://" in receipt.target else ": "
            yield f"{receipt.kind} {receipt.target.rstrip('/')}{between}{name}"


def _short(path: Path) -> Path:
    """Relative to the working directory where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
