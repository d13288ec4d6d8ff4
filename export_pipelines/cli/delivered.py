"""Where the files of an artifact are now, by the receipts in the ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from export_pipelines.cli.context import Door
from export_pipelines.errors import RequestError, unknown

if TYPE_CHECKING:
    from export_pipelines.delivery import Receipt
    from export_pipelines.ledger import Ledger


def ledger_of(door: Door) -> "Ledger":
    from export_pipelines import history

    return history.ledger_of(door.settings, door.loaded)


def demand_known(door: Door, export: str) -> None:
    """Raises RequestError for an export that is neither defined now nor was ever delivered."""
    names = {*(one.name for one in door.loaded.definitions), *door.loaded.broken}
    gone = {one.export for one in ledger_of(door).deliveries()}
    if export not in names | gone:
        raise RequestError(unknown("export", export, names | gone, "export-pipelines list"))


def delivered_files(door: Door, artifact: str) -> Iterator[str]:
    """The parts of `artifact` at every destination that has them: a path, or `sftp sftp://host/folder/name`."""
    for one in ledger_of(door).deliveries(artifact=artifact, states=("delivered",)):
        if one.receipt:
            yield from files_of(one.receipt)


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
