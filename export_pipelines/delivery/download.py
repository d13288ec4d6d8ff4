"""Makes an artifact available where it is: the receipt is the proof that every byte stands in the store."""

import logging

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.definition.destinations import DownloadSettings
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import Capabilities, Journal
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.resources import Resources

log = logging.getLogger(__name__)


def open_from(settings: DownloadSettings, resources: Resources) -> "Download":
    return Download(resources.settings.public_url, resources.open_store())


class Download:
    """`public_url` is where people reach downloads; None while nothing serves them but the store itself."""

    kind = "download"
    capabilities = Capabilities(atomic=True, recognises=True)

    def __init__(self, public_url: str | None, store: Store) -> None:
        self.public_url, self.store = public_url, store

    def target(self, manifest: Manifest) -> str:
        if self.public_url:
            return f"{self.public_url.rstrip('/')}/artifacts/{manifest.artifact}"
        return self.store.location(manifest.artifact)

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        return manifest.part_names

    def check(self) -> None:
        """There is nothing to connect to: the store is looked at by itself."""

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        """Reads every file to its end; DamagedArtifact when one is not what the manifest says."""
        for file in artifact.files:
            artifact.prove(file)
        log.debug(
            "files proven",
            extra={"artifact": artifact.manifest.artifact, "files": len(artifact.files)},
        )
        files = (file.name for file in artifact.files)
        return receipt_of(artifact, self.kind, self.target(artifact.manifest), files)
