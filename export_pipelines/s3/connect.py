"""From an endpoint and keys to a bucket."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from export_pipelines.definition.destinations import S3Settings
from export_pipelines.definition.destinations.hosts import host_of
from export_pipelines.definition.destinations.s3 import PLAIN_HTTP, Checksums, is_safe_endpoint
from export_pipelines.errors import SettingsError
from export_pipelines.s3.bucket import Bucket, Options
from export_pipelines.s3.errors import s3_errors
from export_pipelines.s3.upload import THREADS

if TYPE_CHECKING:
    from boto3.session import Session

ATTEMPTS = 3  # of one request, by boto3; a whole delivery is tried again by who sends it
AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
A_REGION = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{1,63}(?<!-)")
REGION = "us-east-1"  # what servers that know no regions sign with
ClientOf = Callable[[], Any]  # a client of boto3's for S3


@dataclass(frozen=True)
class Access:
    """How a bucket is reached. Without keys boto3 finds them: AWS_* variables, a profile, the machine's role.

    `endpoint_url` is that of a server which is not Amazon's, `ca` a file of the authority that signed its certificate.
    `checksums`: whether boto3 adds CRCs to what it sends, as trailers of a framed body (`when_supported`), or only where
    the call demands one (`when_required`). None: the first for Amazon, the second for any other, which may store the frames.
    `client` gives the client of a program around this one, which is taken where nothing else is said.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    ca: str | None = None
    checksums: Checksums | None = None
    timeout_s: float = 60
    client: ClientOf | None = field(default=None, repr=False, compare=False)

    @property
    def names_nothing(self) -> bool:
        """Whether server, region and keys are those of the machine."""
        own = (self.endpoint_url, self.region, self.access_key, self.secret_key, self.session_token, self.ca)
        return not any(own) and self.checksums is None


def require_openable(name: str, access: Access) -> None:
    """What can be told without boto3, which takes a while to load. Raises SettingsError for a `ca` that is not there, a
    region that is none, or an endpoint by plain http that is not of this machine."""
    where = f"s3://{name}"
    if access.ca is not None and not Path(access.ca).is_file():  # boto3 would say that the handshake broke
        raise SettingsError(f"cannot read {access.ca}", where=where, remedy="name the file with `ca`")
    region = access.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region and not A_REGION.fullmatch(region):
        raise SettingsError(f'"{region}" is no region', where=where, remedy="such as eu-central-1")
    endpoint = access.endpoint_url or _endpoint_of_environment()
    if endpoint and not (access.client and access.names_nothing):
        _require_safe(endpoint, where)


def open_bucket(name: str, access: Access) -> Bucket:
    """Asks nothing of the server. Raises what `require_openable` raises, also of an endpoint that boto3 finds in its own
    files, and RequestError for an endpoint that is no URL."""
    where = f"s3://{name}"
    require_openable(name, access)
    with s3_errors(where):
        client = access.client() if access.client and access.names_nothing else _client(access)
    _require_safe(client.meta.endpoint_url, where)
    return Bucket(client, name)


def _require_safe(endpoint: str, where: str) -> None:
    if not is_safe_endpoint(endpoint):
        raise SettingsError(
            PLAIN_HTTP, where=where, remedy="mend `endpoint_url`, or AWS_ENDPOINT_URL where it says it"
        )


def _endpoint_of_environment() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _client(access: Access) -> Any:
    from botocore.config import Config

    own = access.endpoint_url is not None
    checksums = access.checksums or ("when_required" if _is_compatible(access) else "when_supported")
    config = Config(
        connect_timeout=access.timeout_s,
        read_timeout=access.timeout_s,
        signature_version="s3v4",  # boto3 would presign URLs with the one before
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=THREADS + 1,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        s3={"addressing_style": "path" if own else "auto"},
    )
    return _session().client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region or (REGION if own else None),
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.session_token,
        verify=access.ca,
        config=config,
    )


def _session() -> "Session":
    """One of its own, which finds keys anew, over descriptions of the services that are read once a process."""
    import boto3
    import botocore.session

    from export_pipelines.s3.loader import loader

    core = botocore.session.Session()
    core.register_component("data_loader", loader(core.get_config_variable("data_path")))
    return boto3.session.Session(botocore_session=core)


def _is_compatible(access: Access) -> bool:
    """Whether it is a server other than Amazon's, as far as settings and environment tell."""
    url = access.endpoint_url or _endpoint_of_environment()
    host = host_of(url) if url else None
    return url is not None and not (host or "").endswith(AMAZON)


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
