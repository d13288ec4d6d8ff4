"""What every staging asks of its parts, whatever it keeps them in."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.errors import DamagedArtifact, ExportError, RequestError, StoreError

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import Journal

log = logging.getLogger(__name__)


class AbortedUnlessCommitted(ABC):
    """A context that leaves nothing behind; `abort` is harmless after a commit."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.abort()
        except ExportError:
            if error is None:
                raise  # else the first error is the one to tell; what is left is swept at the next run

    @abstractmethod
    def abort(self) -> None: ...

    def lead_index(self) -> None:  # noqa: B027
        """Only a sealed artifact has one."""

    def journal(self) -> "Journal | None":
        """Only an artifact in a folder, and not sealed, has one."""
        return None


def same_name(name: str, artifact: str) -> RequestError:
    return RequestError(
        f'two parts of one artifact would both be named "{name}"',
        where=artifact,
        remedy="put {{part}} into `naming:`",
    )


def require_whole(manifest: Manifest, artifact: str, stored: Mapping[str, int]) -> None:
    """Raises DamagedArtifact unless every file of `manifest` was stored with all of its bytes."""
    if manifest.artifact != artifact:
        raise StoreError(f"the manifest is that of {manifest.artifact}", where=artifact)
    log.debug(
        "committing", extra={"artifact": artifact, "parts": len(manifest.parts), "bytes": manifest.bytes}
    )
    for file in manifest.files:
        if stored.get(file.stored_name) != file.stored_bytes:
            raise DamagedArtifact(
                f"{stored.get(file.stored_name, 0)} bytes were stored, {file.stored_bytes} were written",
                where=f"{artifact}/{file.name}",
            )
