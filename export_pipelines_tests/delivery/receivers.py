"""The receivers of all kinds of destinations: those of real servers, a folder, and the store itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export_pipelines_servers.receivers import REMOTE, Entry, Receiver, folder_receiver
from export_pipelines_tests.delivery.desk import Desk


@dataclass
class DownloadReceiver:
    """The store itself: there, as soon as a receipt says so."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def entry(self, **settings: Any) -> Entry:
        return {"kind": "download", "settings": settings}

    def arrived(self) -> dict[str, bytes]:
        desk = Desk(self.home)
        done = [delivery for delivery in desk.ledger.deliveries() if delivery.receipt]
        return {
            part.name: desk.store.open(one.artifact, part.name).read()
            for one in done[:1]
            for part in desk.store.manifest(one.artifact).parts
        }

    def debris(self) -> list[str]:
        return []

    def refused(self) -> dict[str, Entry]:
        return {"a setting that it does not have": self.entry(days=3)}


@contextmanager
def _download(tmp: Path) -> Iterator[DownloadReceiver]:
    yield DownloadReceiver(tmp / "home")


RECEIVERS: Mapping[str, Callable[[Path], AbstractContextManager[Receiver]]] = {
    "folder": folder_receiver,
    "download": _download,
    **REMOTE,
}
