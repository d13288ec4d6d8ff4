"""Names of files on an SFTP server that are not for readers, which the next delivery, and an erasure, know again."""

import hashlib
from dataclasses import dataclass

from export_pipelines.delivery.file_set import PREFIX


@dataclass(frozen=True)
class OwnNames:
    """The names of what is not for readers, of the artifacts of one window of an export."""

    export: str
    window_key: str

    @property
    def prefix(self) -> str:
        return f"{PREFIX}{_short(self.export, self.window_key)}~"

    @property
    def manifest(self) -> str:
        return f"{self.prefix}manifest"

    @property
    def replaced(self) -> str:
        """The manifest of the set before, while sets are exchanged."""
        return f"{self.prefix}replaced"

    def temporary(self, name: str, sha256: str) -> str:
        """Of a part on its way."""
        return f"{self.prefix}{_short(name, sha256)}.tmp"


def _short(*words: str) -> str:
    """What tells temporary names apart, whose length servers limit."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
