"""Links that mails and notices carry: what a destination asks for, and what it gets."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import LinkSettings
from export_pipelines.errors import SettingsError
from export_pipelines.settings import Settings


@dataclass(frozen=True)
class DeliveredLink:
    """A URL that gives the artifact's files, without a key, until `expires_at`."""

    url: str
    expires_at: datetime

    def files(self, names: Iterable[str]) -> Iterator[str]:
        """The URL of each file."""
        return (f"{self.url}/files/{quote(name, safe='')}" for name in names)


class LinkTo(Protocol):
    """The link to `manifest` that the delivery sends to `recipient`: the same in each attempt. Raises SettingsError."""

    def __call__(
        self, manifest: Manifest, delivery: str, recipient: str, wanted: LinkSettings
    ) -> DeliveredLink: ...


def require_public_url(settings: Settings, where: str, remedy: str) -> None:
    """Raises SettingsError unless the service's URL is set, without which nothing can be linked to."""
    if settings.public_url is None:
        raise SettingsError(
            "there is nothing to link to",
            where=where,
            remedy=f"set EXPORT_PIPELINES_PUBLIC_URL to the address of `serve`, or {remedy}",
        )
