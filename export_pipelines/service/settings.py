"""How the service listens and what it allows; every field is `EXPORT_PIPELINES_SERVICE_<FIELD>` in the environment."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.listening import require_free
from export_pipelines.yaml.schema_faults import plain_faults

SERVICE = f"{PREFIX}SERVICE_"


def _words(value: Any) -> Any:
    return tuple(value.split()) if isinstance(value, str) else value


class ServiceSettings(BaseModel):
    """Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3080
    certificate: Path | None = None  # PEM; with it the service speaks TLS
    private_key: Path | None = None
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()  # addresses, in one text
    stop_s: Annotated[int, Field(ge=0)] = 30  # how long a stop lets downloads end
    request_s: Annotated[float, Field(gt=0)] = 20  # until the head of a request is there, and its body
    stalled_s: Annotated[float, Field(gt=0)] = 60  # until a reader has to have taken a block of a file
    body_bytes: Annotated[int, Field(gt=0)] = 1_000_000  # of a request
    requests_per_s: Annotated[float, Field(gt=0)] = 50  # by a key
    requests_at_once: Annotated[int, Field(gt=0)] = 400
    denials_per_minute: Annotated[float, Field(gt=0)] = 20  # by an address: wrong keys and links
    queue: Annotated[int, Field(gt=0)] = 25  # exports of a principal that have not ended
    keep_days: Annotated[int, Field(gt=0)] = 30  # how long an export that was asked for is kept
    presigned_s: Annotated[int, Field(ge=0, le=300)] = 0  # of URLs into the bucket; 0: its files are streamed
    connections: Annotated[int, Field(gt=0)] = 1000
    oidc_issuer: str = ""  # of OpenID Connect, by which people sign in on the page
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_claim: Annotated[str, Field(min_length=1)] = "email"  # whose value is the name of a principal

    @classmethod
    def load(cls, environment: Mapping[str, str], **options: Any) -> Self:
        """Those of the environment, in which `options` replace others, unless they are None. Raises SettingsError."""
        values: dict[str, Any] = {
            name: environment[f"{SERVICE}{name.upper()}"]
            for name in cls.model_fields
            if environment.get(f"{SERVICE}{name.upper()}")
        }
        values |= {name: value for name, value in options.items() if value is not None}
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            faults = [
                f"{SERVICE}{str(key[0]).upper()}: {text.partition(': ')[2]}"
                for key, text in plain_faults(error, cls)
            ]
            raise SettingsError("; ".join(faults), where="the service's settings") from None
        settings.require_whole()
        settings.require_open_id()
        return settings

    def require_open_id(self) -> None:
        """Raises SettingsError for a part of OpenID Connect's settings, and for an issuer that is asked without TLS."""
        values = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret.get_secret_value())
        if any(values) and not all(values):
            raise SettingsError(
                "an issuer, a client id and a client secret are given together",
                where=f"{SERVICE}OIDC_ISSUER",
                remedy=f"set {SERVICE}OIDC_ISSUER, ..._OIDC_CLIENT_ID and ..._OIDC_CLIENT_SECRET, or none of them",
            )
        if self.oidc_issuer and not is_private_way(self.oidc_issuer):
            raise SettingsError(
                "the issuer is an https:// URL (http:// on this machine only)",
                where=f"{SERVICE}OIDC_ISSUER",
                remedy="write it as the provider's /.well-known/openid-configuration says it",
            )

    def require_whole(self) -> None:
        """Raises SettingsError for half of a certificate."""
        if bool(self.certificate) != bool(self.private_key):
            raise SettingsError(
                "a certificate and its private key are given together",
                where=f"{SERVICE}CERTIFICATE",
                remedy=f"set {SERVICE}CERTIFICATE and {SERVICE}PRIVATE_KEY, or neither behind a proxy",
            )
        for path in filter(None, (self.certificate, self.private_key)):
            if not path.is_file():
                raise SettingsError("there is no such file", where=str(path), remedy="name a PEM file")

    def require_no_open_id(self) -> None:
        """Raises SettingsError for OpenID Connect where no access.yaml says who may come."""
        if self.oidc_issuer:
            raise SettingsError(
                "sign-in by OpenID Connect needs access.yaml, which says who may come",
                where=f"{SERVICE}OIDC_ISSUER",
                remedy="write access.yaml (docs/access.md), or leave the issuer out and sign in by API key",
            )

    def require_free(self) -> None:
        """Raises SettingsError where another program listens on the port."""
        require_free(self.host, self.port, f"stop it, or give another port: {SERVICE}PORT=3081")

    def require_loopback(self) -> None:
        """Raises SettingsError unless only this machine is listened to."""
        if self.host == "localhost" or _is_loopback(self.host):
            return
        raise SettingsError(
            f"without access.yaml the service listens to this machine only, not to {self.host}",
            where=f"{SERVICE}HOST",
            remedy="write access.yaml (docs/access.md), or let it listen to 127.0.0.1",
        )


def is_private_way(url: str) -> bool:
    """Whether nobody on the way reads what is sent to `url`: by TLS, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_near = host == "localhost" or _is_loopback(host)
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_near))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
