"""A folder as the receiving end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export_pipelines_servers.receivers.contract import Entry


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
def folder_receiver(tmp: Path) -> Iterator[FolderReceiver]:
    (tmp / "receiver").mkdir()
    yield FolderReceiver(tmp / "receiver")
