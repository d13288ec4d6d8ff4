"""The settings of each kind of destination, as people write them under `deliver:`; one file a kind."""

from export_pipelines.definition.destinations.download import DownloadSettings
from export_pipelines.definition.destinations.email import EmailSettings
from export_pipelines.definition.destinations.encryption import Encryption
from export_pipelines.definition.destinations.folder import FolderSettings
from export_pipelines.definition.destinations.link import LinkSettings
from export_pipelines.definition.destinations.s3 import S3Settings
from export_pipelines.definition.destinations.settings import DestinationSettings
from export_pipelines.definition.destinations.sftp import SftpSettings
from export_pipelines.definition.destinations.webhook import WebhookSettings
from export_pipelines.definition.in_plans import StoredEntry

__all__ = [
    "DestinationSettings",
    "DownloadSettings",
    "EmailSettings",
    "Encryption",
    "FolderSettings",
    "LinkSettings",
    "S3Settings",
    "SftpSettings",
    "StoredEntry",
    "WebhookSettings",
]
