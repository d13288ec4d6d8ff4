"""The receiving end of each kind of destination, for the contract suite: one row a kind, real servers behind them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Entry = dict[str, Any]


class Receiver(Protocol):
    """A server that is up, empty, and this test's own.

    entry:   an entry of `deliver:` for it that works, with `settings` laid over; secrets are named in `environment`.
    arrived: name -> bytes of everything that its readers can see under a final name now.
    debris:  what is not for readers: temporary files, unfinished uploads. Empty after a delivery that ended well.
    refused: words of what is wrong -> an entry that the person has to mend.
    """

    environment: Mapping[str, str]

    def entry(self, **settings: Any) -> Entry: ...

    def arrived(self) -> dict[str, bytes]: ...

    def debris(self) -> list[str]: ...

    def refused(self) -> dict[str, Entry]: ...


@dataclass
class FolderReceiver:
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def entry(self, **settings: Any) -> Entry:
        return {"kind": "folder", "settings": {"path": str(self.folder / "in"), **settings}}

    def arrived(self) -> dict[str, bytes]:
        files = [path for path in (self.folder / "in").glob("*") if not path.name.startswith(".")]
        return {path.name: path.read_bytes() for path in sorted(files)}

    def debris(self) -> list[str]:
        return [path.name for path in (self.folder / "in").glob(".*")]

    def refused(self) -> dict[str, Entry]:
        (self.folder / "file").write_text("x")
        return {"a file in the way": self.entry(path=str(self.folder / "file" / "in"))}


@contextmanager
def _folder(tmp: Path):  # type: ignore[no-untyped-def]
    (tmp / "receiver").mkdir()
    yield FolderReceiver(tmp / "receiver")


RECEIVERS: Mapping[str, Callable[[Path], AbstractContextManager[Receiver]]] = {"folder": _folder}
