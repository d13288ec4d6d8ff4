"""What a notebook asks of artifacts: the same of a project on this machine and of one behind a service."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from export_pipelines.artifacts import Manifest, Store


class ArtifactReader:
    """Libraries are imported when something needs them."""

    @property
    def store(self) -> "Store":
        raise NotImplementedError

    def note_opened(self, manifests: "Iterable[Manifest]", read: bool = True) -> None:
        """What is told of it that a person reads artifacts, or (not `read`) has them verified: a service tells it by itself."""

    def noting_refusals(self, manifest: "Manifest") -> AbstractContextManager[None]:
        """For the block that reads an artifact; a service notes them by itself."""
        return nullcontext()

    def manifest(self, artifact: str) -> "Manifest":
        """That of an artifact as a listing names it, or of the newest of a window, `<export>/<window key>`.

        Raises RequestError, DamagedArtifact.
        """
        from export_pipelines.artifacts.find_artifacts import artifact_named

        return artifact_named(self.store, artifact)

    def read(self, artifact: str) -> "pd.DataFrame":
        """What an artifact holds, see `manifest` for its name: types of pyarrow, so that a whole number beside a null is no
        float, amounts are decimals and times are in UTC. Raises RequestError, DamagedArtifact."""
        from export_pipelines.frames import read_artifact, to_pandas

        manifest = self.manifest(artifact)
        self.note_opened([manifest])
        with self.noting_refusals(manifest):
            return to_pandas(read_artifact(manifest, self.store))

    def to_arrow(self, artifact: str) -> "pa.RecordBatchReader":
        """What an artifact holds, batch by batch, a part in memory at a time; see `read`."""
        from export_pipelines.frames import to_arrow

        manifest = self.manifest(artifact)
        self.note_opened([manifest])
        return to_arrow(manifest, self.store)

    def scan(self, export: str) -> "pl.LazyFrame":
        """The rows of all partitions, the newest artifact of each, in the order of time; read when they are asked for.

        Raises RequestError when there is none, or where one has a column of another type.
        """
        from export_pipelines.frames import scan_artifacts

        manifests = self.newest(export)
        self.note_opened(manifests)
        return scan_artifacts(manifests, self.store)

    def last(self, export: str) -> "Manifest":
        """The newest artifact of an export, whatever its window. Raises RequestError when there is none."""
        from export_pipelines.artifacts.find_artifacts import last_artifact

        return last_artifact(self.store, export)

    def newest(self, export: str) -> "list[Manifest]":
        """The newest artifact of each partition, in the order of time. Raises RequestError when there is none."""
        from export_pipelines.artifacts.find_artifacts import newest_of_partitions

        return newest_of_partitions(self.store, export)
