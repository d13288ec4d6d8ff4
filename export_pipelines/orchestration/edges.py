"""What travels from op to op behind the plans: which artifact came of a window, what was delivered, what went wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.delivery import Receipt
from export_pipelines.errors import ExportError
from export_pipelines.plan.plan import Window

Edge = list[dict[str, Any]]  # one entry a window, as JSON, so that any process can go on from it


class Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Fault(Sent):
    """An error as data: it does not stop the other windows of the run."""

    text: str
    exit_code: int
    retryable: bool

    @classmethod
    def of(cls, error: ExportError) -> "Fault":
        return cls(text=str(error), exit_code=error.exit_code, retryable=error.retryable)


class Delivered(Sent):
    """What one destination made of one window's artifact."""

    key: str
    receipt: Receipt | None = None
    fault: Fault | None = None


class Written(Sent):
    """What `write` made of one window: an artifact and where it has to go, or a fault. It may have tried some of the
    deliveries itself: `delivered`, by the run `delivered_by`."""

    export: str
    window: Window
    artifact: str | None = None
    deliver: tuple[str, ...] = ()  # the ledger's deliveries, in the order of `deliver:`
    seconds: float = 0.0
    preview: str = ""  # five masked rows as Markdown, which the run's record keeps anyway
    fault: Fault | None = None
    draft: dict[str, Any] | None = None  # of what failed, so that it can be tried again
    delivered: tuple[Delivered, ...] = ()  # in the order of `deliver:`
    delivered_by: str = ""


@dataclass(frozen=True)
class Done:
    """One window at the end of a run. It is whole when there is an artifact and every destination has it."""

    written: Written
    manifest: Manifest | None
    receipts: tuple[Receipt, ...]
    faults: tuple[Fault, ...]

    @property
    def key(self) -> str:
        return self.written.window.key

    @property
    def whole(self) -> bool:
        return self.manifest is not None and not self.faults


def wire(entries: Iterable[BaseModel]) -> Edge:
    return [entry.model_dump(mode="json") for entry in entries]


def gather(written: Edge, deliveries: Sequence[Edge], store: Store) -> list[Done]:
    """One Done a window, in the order of `written`."""
    sent = [Delivered.model_validate(entry) for edge in deliveries for entry in edge]
    return [_done(Written.model_validate(entry), sent, store) for entry in written]


def _done(written: Written, sent: list[Delivered], store: Store) -> Done:
    mine = [delivered for delivered in sent if delivered.key == written.window.key]
    faults = [written.fault, *(delivered.fault for delivered in mine)]
    return Done(
        written,
        store.manifest(written.artifact) if written.artifact else None,
        tuple(delivered.receipt for delivered in mine if delivered.receipt),
        tuple(fault for fault in faults if fault),
    )
