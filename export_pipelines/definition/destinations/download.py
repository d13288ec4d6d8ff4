"""`download:` the artifact stays in the store, for people to fetch until its `retention` is over."""

from typing import ClassVar

from export_pipelines.definition.destinations.settings import DestinationSettings


class DownloadSettings(DestinationSettings):
    """Nothing to say: who may fetch it, and for how long, is not a matter of one delivery."""

    kind: ClassVar[str] = "download"

    @property
    def gives_downloads(self) -> bool:
        return True
