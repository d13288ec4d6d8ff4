"""From an entry of `deliver:` to the destination that fulfils it, by the type of its settings."""

import logging
from collections.abc import Mapping
from importlib.util import find_spec

from export_pipelines.definition.destinations import (
    DestinationSettings,
    DownloadSettings,
    EmailSettings,
    FolderSettings,
    S3Settings,
    SftpSettings,
    WebhookSettings,
)
from export_pipelines.delivery.destination import Destination
from export_pipelines.delivery.encryption import encrypted
from export_pipelines.delivery.removal import Removing
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import not_installed

log = logging.getLogger(__name__)

EXTRAS: Mapping[str, str] = {
    "sftp": "paramiko",
    "s3": "boto3",
}  # the extra of a kind, and the library that it brings


def open_destination(settings: DestinationSettings, resources: Resources) -> Destination:
    """The destination of one entry.

    Connects to nothing, and imports what connects when it does so. Raises RequestError for what the operator's allowed.yaml, read now, does not allow, or a key
    that nothing can be encrypted to; SettingsError for a secret or a library that is not there.
    """
    return encrypted(_allowed(settings, resources), settings, resources)


def open_removing(settings: DestinationSettings, resources: Resources) -> Removing | None:
    """The destination of one entry, to take back files, which needs no key of an encryption; None where nothing can be taken
    back. Raises RequestError and SettingsError as `open_destination` does."""
    destination = _allowed(settings, resources)
    return destination if isinstance(destination, Removing) else None


def _allowed(settings: DestinationSettings, resources: Resources) -> Destination:
    for named in settings.named():
        resources.require(named.kind, named.name, ".".join(map(str, ("deliver", settings.kind, *named.key))))
    log.debug("opening the destination", extra={"kind": settings.kind})
    library = EXTRAS.get(settings.kind)
    if library and find_spec(library) is None:
        raise not_installed(library, settings.kind, f"deliver.{settings.kind}")
    return _opened(settings, resources)


def _opened(settings: DestinationSettings, resources: Resources) -> Destination:
    """Each module is imported when its kind is first opened."""
    match settings:
        case FolderSettings():
            from export_pipelines.delivery.folder import destination as folder

            return folder.open_from(settings, resources)
        case EmailSettings():
            from export_pipelines.delivery.email import destination as email

            return email.open_from(settings, resources)
        case SftpSettings():
            from export_pipelines.delivery.sftp import destination as sftp

            return sftp.open_from(settings, resources)
        case S3Settings():
            from export_pipelines.delivery.s3 import destination as s3

            return s3.open_from(settings, resources)
        case WebhookSettings():
            from export_pipelines.delivery.webhook import destination as webhook

            return webhook.open_from(settings, resources)
        case DownloadSettings():
            from export_pipelines.delivery import download

            return download.open_from(settings, resources)
    raise TypeError(f"nothing opens a destination of kind {settings.kind}")
