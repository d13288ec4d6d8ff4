"""From an endpoint and keys to a client of boto3's, of any service."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export_pipelines.definition.destinations.hosts import host_of
from export_pipelines.definition.destinations.s3 import PLAIN_HTTP, is_safe_endpoint
from export_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from boto3.session import Session

ATTEMPTS = 3  # of one request, by boto3; a whole piece of work is tried again by who asked for it
AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
A_REGION = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{1,63}(?<!-)")
REGION = "us-east-1"  # what servers that know no regions sign with


@dataclass(frozen=True)
class Access:
    """How a service is reached. Without keys boto3 finds them: AWS_* variables, a profile, the machine's role.

    `endpoint_url` is that of a server which is not Amazon's, `ca` a file of the authority that signed its certificate.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    ca: str | None = None
    timeout_s: float = 60

    @property
    def names_nothing(self) -> bool:
        """Whether server, region and keys are those of the machine."""
        own = (self.endpoint_url, self.region, self.access_key, self.secret_key, self.session_token, self.ca)
        return not any(own)


def endpoint_of(service: str, access: Access) -> str | None:
    """The server that settings or environment name in Amazon's place; boto3 may find another one in its own files."""
    variables = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
    return access.endpoint_url or next(filter(None, map(os.environ.get, variables)), None)


def is_compatible(service: str, access: Access) -> bool:
    """Whether it is a server other than Amazon's, as far as settings and environment tell."""
    url = endpoint_of(service, access)
    return url is not None and not (host_of(url) or "").endswith(AMAZON)


def require_openable(service: str, access: Access, where: str) -> None:
    """What can be told without boto3, which takes a while to load. Raises SettingsError for a `ca` that is not there, a
    region that is none, or an endpoint by plain http that is not of this machine."""
    if access.ca is not None and not Path(access.ca).is_file():  # boto3 would say that the handshake broke
        raise SettingsError(f"cannot read {access.ca}", where=where, remedy="name the file with `ca`")
    region = access.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region and not A_REGION.fullmatch(region):
        raise SettingsError(f'"{region}" is no region', where=where, remedy="such as eu-central-1")
    endpoint = endpoint_of(service, access)
    if endpoint:
        require_safe(service, endpoint, where)


def require_safe(service: str, endpoint: str, where: str) -> None:
    """Raises SettingsError for an endpoint to which records and keys would go in clear."""
    if not is_safe_endpoint(endpoint):
        raise SettingsError(
            PLAIN_HTTP,
            where=where,
            remedy=f"mend `endpoint_url`, or AWS_ENDPOINT_URL_{service.upper()} or AWS_ENDPOINT_URL where it says it",
        )


def open_client(service: str, access: Access, where: str, attempts: int = ATTEMPTS, **config: Any) -> Any:
    """A client of `service`, which asks nothing yet; boto3 makes `attempts` of each request. `config` is more of botocore's
    Config. Raises what `require_openable` raises, also of an endpoint that boto3 finds in its own files, and ValueError for
    an endpoint that is no URL."""
    from botocore.config import Config

    require_openable(service, access, where)
    own = access.endpoint_url is not None
    session: Any = _session()  # the type of each service's client would be asked for
    client = session.client(
        service,
        endpoint_url=access.endpoint_url,
        region_name=access.region or (REGION if own else None),
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.session_token,
        verify=access.ca,
        config=Config(
            connect_timeout=access.timeout_s,
            read_timeout=access.timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            **config,
        ),
    )
    require_safe(service, client.meta.endpoint_url, where)
    return client


def _session() -> "Session":
    """One of its own, which finds keys anew, over descriptions of the services that are read once a process."""
    import boto3
    import botocore.session

    from export_pipelines.aws.loader import loader

    core = botocore.session.Session()
    core.register_component("data_loader", loader(core.get_config_variable("data_path")))
    return boto3.session.Session(botocore_session=core)
