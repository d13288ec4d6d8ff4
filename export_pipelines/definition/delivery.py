"""Where artifacts go: the table of kinds with their settings as people write them under `deliver:`."""

from collections.abc import Mapping
from typing import Any

from export_pipelines.definition.destinations import (
    DestinationSettings,
    DownloadSettings,
    EmailSettings,
    FolderSettings,
    S3Settings,
    SftpSettings,
    WebhookSettings,
)
from export_pipelines.definition.export import Destination
from export_pipelines.definition.one_of import OneOf, one_of

KINDS: Mapping[str, type[DestinationSettings]] = {
    "folder": FolderSettings,
    "email": EmailSettings,
    "sftp": SftpSettings,
    "s3": S3Settings,
    "webhook": WebhookSettings,
    "download": DownloadSettings,
}
KINDS_TO_COME = ("firehose",)

_KIND = OneOf("destination", KINDS, alone=("download",), to_come=KINDS_TO_COME)
WrittenDestination: Any = one_of(_KIND)


def destination_of(written: Any) -> Destination:
    """`{folder: {path: ...}}`, already checked, with every setting filled in."""
    kind, settings = _KIND.read(written)
    settings = settings or KINDS[kind]()
    return Destination(kind=kind, settings=settings.model_dump(mode="json", by_alias=True))


def settings_of(entry: Destination) -> DestinationSettings:
    """The settings of an entry as the model of its kind."""
    return KINDS[entry.kind].model_validate(entry.settings)
