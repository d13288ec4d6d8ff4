"""From an endpoint and keys to a bucket."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from export_pipelines.aws import connect
from export_pipelines.definition.destinations import S3Settings
from export_pipelines.definition.destinations.s3 import Checksums
from export_pipelines.s3.bucket import Bucket, Options
from export_pipelines.s3.errors import s3_errors
from export_pipelines.s3.upload import THREADS

ClientOf = Callable[[], Any]  # a client of boto3's for S3


@dataclass(frozen=True)
class Access(connect.Access):
    """How a bucket is reached.

    `checksums`: whether boto3 adds CRCs to what it sends, as trailers of a framed body (`when_supported`), or only where
    the call demands one (`when_required`). None: the first for Amazon, the second for any other, which may store the frames.
    `client` gives the client of a program around this one, which is taken where nothing else is said.
    """

    checksums: Checksums | None = None
    client: ClientOf | None = field(default=None, repr=False, compare=False)

    @property
    def names_nothing(self) -> bool:
        """Whether server, region and keys are those of the machine."""
        return super().names_nothing and self.checksums is None

    @property
    def is_client_given(self) -> bool:
        """Whether `client` is taken, which belongs to the program around this one."""
        return self.client is not None and self.names_nothing


def require_openable(name: str, access: Access) -> None:
    """What can be told without boto3, which takes a while to load. Raises SettingsError."""
    if not access.is_client_given:
        connect.require_openable("s3", access, f"s3://{name}")


def open_bucket(name: str, access: Access) -> Bucket:
    """Asks nothing of the server. Raises what `require_openable` raises, also of an endpoint that boto3 finds in its own
    files, and RequestError for an endpoint that is no URL."""
    where = f"s3://{name}"
    with s3_errors(where):
        client = access.client() if access.client and access.is_client_given else _client(access, where)
    connect.require_safe("s3", client.meta.endpoint_url, where)
    return Bucket(client, name)


def _client(access: Access, where: str) -> Any:
    compatible = connect.is_compatible("s3", access)
    checksums = access.checksums or ("when_required" if compatible else "when_supported")
    return connect.open_client(
        "s3",
        access,
        where,
        signature_version="s3v4",  # boto3 would presign URLs with the one before
        max_pool_connections=THREADS + 1,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        s3={"addressing_style": "path" if access.endpoint_url is not None else "auto"},
    )


def object_options(settings: S3Settings, media_type: str) -> Options:
    """How objects are to be kept, as `settings` say, in boto3's words."""
    options = {
        "ContentType": media_type,
        "ServerSideEncryption": settings.encryption,
        "SSEKMSKeyId": settings.kms_key,
        "StorageClass": settings.storage_class,
        "Tagging": urlencode(settings.tags),
    }
    return {name: value for name, value in options.items() if value}
