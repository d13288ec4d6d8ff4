"""What lies in a store, as a listing shows it: whole artifacts, and damaged ones by name."""

from dataclasses import dataclass, field

from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.errors import DamagedArtifact


@dataclass(frozen=True)
class Listing:
    """`manifests` newest first; `damaged` maps an artifact's id to what is wrong with its manifest."""

    manifests: tuple[Manifest, ...] = ()
    damaged: dict[str, DamagedArtifact] = field(default_factory=dict)
