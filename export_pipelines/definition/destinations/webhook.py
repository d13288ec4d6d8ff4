"""`webhook:` the files, or a notice of them, by POST."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from export_pipelines.definition.destinations.encryption import EncryptedSettings
from export_pipelines.definition.destinations.hosts import host_of
from export_pipelines.definition.destinations.link import LinkSettings
from export_pipelines.definition.destinations.named import Named, files_in
from export_pipelines.definition.destinations.secret import Secret, SecretName
from export_pipelines.definition.destinations.settings import Seconds
from export_pipelines.definition.words import Flag, fault

OPENED_BY = (
    "this setting is gone; the operator opens addresses that are not public, by `private_networks: [10.1.0.0/16]` in "
    "allowed.yaml"
)
SET_BY_US = frozenset({"connection", "transfer-encoding", "content-type", "content-length", "content-disposition", "host", "idempotency-key",
                       "webhook-id", "webhook-timestamp", "webhook-signature"})  # fmt: skip


def _https(value: str | SecretName) -> str | SecretName:
    if isinstance(value, str) and not (value.startswith(("https://", "http://")) and host_of(value)):
        raise fault(
            "a URL is expected, such as https://example.com/exports, or {env: NAME} when it is a secret"
        )
    return value


def _free(value: dict[str, SecretName]) -> dict[str, SecretName]:
    for name in value:
        if name.lower() in SET_BY_US or not re.fullmatch(r"-*[A-Za-z0-9][A-Za-z0-9-]*", name):
            raise fault(f'the header "{name}" is not one that can be given')
    return value


class WebhookSettings(EncryptedSettings):
    """One POST for each file (`raw` or `multipart`) and a last one with the manifest, or one `notice` with links.

    `secret` signs by the Standard Webhooks scheme (`whsec_...`). `headers` are secrets, such as an API key.
    """

    kind: ClassVar[str] = "webhook"
    EXAMPLE: ClassVar[str] = (
        'webhook: {url: "https://partner.example.com/leads", secret: {env: PARTNER_SECRET}}'
    )
    later: ClassVar[frozenset[str]] = frozenset({"link"})

    url: Annotated[str | SecretName, AfterValidator(_https)]
    send: Literal["raw", "multipart", "notice"] = "raw"
    link: LinkSettings = LinkSettings()
    secret: Secret | None = None
    headers: Annotated[dict[str, Secret], AfterValidator(_free), Field(default_factory=dict)]
    timeout_s: Seconds = 60
    ca: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: Secret | None = None
    manifest: Flag = True

    MOVED: ClassVar[Mapping[str, str]] = {"allow_private": OPENED_BY}

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.client_certificate is None) != (self.client_key is None):
            raise fault("client_certificate and client_key come together")
        if self.encrypt is not None and self.send == "notice":
            raise fault(
                "a notice links to the files as they are: encrypt goes with `send: raw` or `multipart`"
            )
        return self

    @property
    def gives_downloads(self) -> bool:
        return self.send == "notice"

    def named(self) -> Iterator[Named]:
        yield from super().named()
        yield from files_in(
            ca=self.ca, client_certificate=self.client_certificate, client_key=self.client_key
        )
        if isinstance(self.url, str):
            yield Named(("url",), "hosts", host_of(self.url) or "")

    def reaches(self) -> tuple[str, ...]:
        return (self.url if isinstance(self.url, str) else "",)

    def server(self) -> str:
        return self.url if isinstance(self.url, str) else f"{self.url.env or self.url.file}"
