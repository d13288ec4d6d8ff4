"""Finished files as frames: what an artifact holds, in the types that its manifest tells.

    parts of an artifact → decompressed → texts of each column → typed

The way back of `encode/`: it sees manifests and files, never a definition or a source."""

from export_pipelines.frames.frame_types import frame_of
from export_pipelines.frames.read_artifact import (
    read_artifact,
    scan_artifacts,
    schema_of,
    to_arrow,
    to_pandas,
)

__all__ = [
    "frame_of",
    "read_artifact",
    "scan_artifacts",
    "schema_of",
    "to_arrow",
    "to_pandas",
]
