"""What a notebook asks of artifacts: the same of a project on this machine and of one behind a service."""

from collections.abc import Iterable
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

    @property
    def reading_store(self) -> "Store":
        """The store for what a person reads; a service records by itself whom it refuses."""
        return self.store

    def note_opened(self, manifests: "Iterable[Manifest]") -> None:
        """Records that a person reads artifacts; a service does it by itself."""

    def manifest(self, artifact: str) -> "Manifest":
        """That of an artifact as a listing names it, or of the newest of a window, `<export>/<window key>`.

        Raises RequestError, DamagedArtifact.
        """
        from export_pipelines.artifacts.find_artifacts import artifact_named

        return artifact_named(self.store, artifact)

    def full_name(self, artifact: str) -> str:
        """The name as a listing has it; see `manifest`. Raises RequestError."""
        from export_pipelines.artifacts.token import is_full

        if is_full(artifact):
            return artifact
        from export_pipelines.artifacts.find_artifacts import full_name  # and definitions with it

        return full_name(self.store, artifact)

    def read(self, artifact: str) -> "pd.DataFrame":
        """What an artifact holds, see `manifest` for its name: types of pyarrow, so that a whole number beside a null is no
        float, amounts are decimals and times are in UTC. Raises RequestError, DamagedArtifact."""
        from export_pipelines.frames import read_artifact, to_pandas

        manifest = self.manifest(artifact)
        self.note_opened([manifest])
        return to_pandas(read_artifact(manifest, self.reading_store))

    def to_arrow(self, artifact: str) -> "pa.RecordBatchReader":
        """What an artifact holds, batch by batch, a part in memory at a time; see `read`."""
        from export_pipelines.frames import to_arrow

        manifest = self.manifest(artifact)
        self.note_opened([manifest])
        return to_arrow(manifest, self.reading_store)

    def scan(self, export: str) -> "pl.LazyFrame":
        """The rows of all partitions, the newest artifact of each, in the order of time; read when they are asked for.

        Raises RequestError when there is none, or where one has a column of another type.
        """
        from export_pipelines.frames import scan_artifacts

        manifests = self.newest(export)
        self.note_opened(manifests)
        return scan_artifacts(manifests, self.reading_store)

    def last(self, export: str) -> "Manifest":
        """The newest artifact of an export, whatever its window. Raises RequestError when there is none."""
        from export_pipelines.artifacts.find_artifacts import last_artifact

        return last_artifact(self.store, export)

    def newest(self, export: str) -> "list[Manifest]":
        """The newest artifact of each partition, in the order of time. Raises RequestError when there is none."""
        from export_pipelines.artifacts.find_artifacts import newest_of_partitions

        return newest_of_partitions(self.store, export)
