"""Delivers an artifact by POST: each file by itself, or a notice with links; signed, and the same to the receiver when sent twice."""

import base64
import binascii
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from urllib3.fields import RequestField

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import WebhookSettings
from export_pipelines.definition.destinations.hosts import host_of
from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import Capabilities, Journal
from export_pipelines.delivery.link import LinkTo, require_public_url
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.resources import Resources
from export_pipelines.delivery.webhook.http_client import Body, HttpClient, utc_seconds
from export_pipelines.errors import SettingsError
from export_pipelines.templates import require_header

log = logging.getLogger(__name__)

WHERE = "deliver.webhook"
JSON = "application/json"
SECRET_PREFIX = "whsec_"


def open_from(settings: WebhookSettings, resources: Resources) -> "Webhook":
    if settings.gives_downloads:
        require_public_url(resources.settings, f"{WHERE}.send", "say `send: raw`")
    certificate, key = (_file(text, resources) for text in (settings.client_certificate, settings.client_key))
    client = HttpClient(
        url=settings.url if isinstance(settings.url, str) else _secret_url(settings.url, "url", resources),
        where=f"{WHERE}.url",
        opened=resources.allowed.private_networks,
        ca=_file(settings.ca, resources),
        certificate=(certificate, key) if certificate and key else None,
        proxy=_secret_url(settings.proxy, "proxy", resources) if settings.proxy else None,
        answer_s=settings.timeout_s,
    )
    headers = {
        name: _header(resources.secret(secret_name, f"{WHERE}.headers.{name}"), f"{WHERE}.headers.{name}")
        for name, secret_name in settings.headers.items()
    }
    return Webhook(
        settings,
        client,
        signing_key(settings.secret, resources, WHERE),
        headers,
        resources.link_to,
    )


def _file(path: str | None, resources: Resources) -> str | None:
    """The path of a file that can be read."""
    if path is None:
        return None
    resources.file(path, WHERE)
    return str(resources.path(path, WHERE))


def _header(value: str, where: str) -> str:
    """The value of a header, if one can hold it; it is repeated nowhere."""
    if not value.isascii() or value != value.strip():
        raise SettingsError(
            "a header's value is ASCII, without blanks around it", where=where, remedy="mend the secret"
        )
    return require_header(value, where)


def _secret_url(name: SecretName, setting: str, resources: Resources) -> str:
    """A URL whose host may be named. Raises SettingsError or RequestError."""
    where = f"{WHERE}.{setting}"
    url = resources.secret(name, where)
    host = host_of(url)
    if host is None:
        raise SettingsError("the URL names no host", where=where, remedy="https://example.com/exports")
    resources.require("hosts", host, where)
    return url


def signing_key(name: SecretName | None, resources: Resources, where: str) -> bytes | None:
    """The key of a `whsec_...` secret. Raises SettingsError."""
    if name is None:
        return None
    try:
        key = base64.b64decode(
            resources.secret(name, f"{where}.secret").removeprefix(SECRET_PREFIX), validate=True
        )
    except binascii.Error:
        key = b""
    if len(key) < 24:
        raise SettingsError(
            "the secret is not one of Standard Webhooks: 24 bytes at least, in base64",
            where=f"{where}.secret",
            remedy='make one: echo "whsec_$(openssl rand -base64 32)"',
        )
    return key


def signed(key: bytes | None, id: str, at: str, blocks: Iterator[bytes]) -> dict[str, str]:
    """The headers of Standard Webhooks; without a key, all but the signature."""
    headers = {"webhook-id": id, "webhook-timestamp": at, "Idempotency-Key": id}
    if key is None:
        return headers
    digest = hmac.new(key, f"{id}.{at}.".encode(), hashlib.sha256)
    for block in blocks:
        digest.update(block)
    return headers | {"webhook-signature": f"v1,{base64.b64encode(digest.digest()).decode()}"}


class Webhook:
    """What was answered with 2xx is not posted again; what may have arrived comes again under its idempotency key."""

    kind = "webhook"
    capabilities = Capabilities(atomic=True, recognises=True)

    def __init__(
        self,
        settings: WebhookSettings,
        client: HttpClient,
        key: bytes | None,
        headers: Mapping[str, str],
        link_to: LinkTo | None,
    ) -> None:
        self.settings, self.client, self.key = settings, client, key
        self.headers, self.link_to = headers, link_to

    def target(self, manifest: Manifest) -> str:
        return self.client.place

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        return manifest.part_names

    def check(self) -> None:
        """Connects, and demands that the server is trusted and does not turn us away; posts nothing."""
        self.client.require_answer()

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        manifest = artifact.manifest
        files: list[str] = []
        if self.settings.send == "notice":
            body = json.dumps(self._notice(artifact, journal.key)).encode()
            self._post(artifact, journal, "notice", Body([body]), {"Content-Type": JSON})
        else:
            for file in artifact.files:
                opened: Any = partial(artifact.open, file)
                media_type = artifact.media_type_of(file)
                self._file(artifact, journal, file.name, (file.bytes, opened), media_type)
            files = [file.name for file in artifact.files]
            if self.settings.manifest:
                self._file(artifact, journal, artifact.manifest_name, manifest.to_json(), JSON)
                files.append(artifact.manifest_name)
        details = {"as": self.settings.send, "idempotency_key": journal.key}
        return receipt_of(artifact, self.kind, self.client.place, files, details)

    def _file(
        self,
        artifact: Artifact,
        journal: Journal,
        name: str,
        content: bytes | tuple[int, Any],
        media_type: str,
    ) -> None:
        if self.settings.send == "raw":
            headers = {
                "Content-Type": media_type,
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            }
            self._post(artifact, journal, name, Body([content]), headers)
            return
        boundary = journal.key
        field = RequestField("file", b"", filename=name)
        field.make_multipart(content_type=media_type)
        head = f"--{boundary}\r\n{field.render_headers()}".encode()
        body = Body([head, content, f"\r\n--{boundary}--\r\n".encode()])
        self._post(
            artifact, journal, name, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )

    def _post(
        self, artifact: Artifact, journal: Journal, item: str, body: Body, headers: Mapping[str, str]
    ) -> None:
        if journal.state(item) == "done":
            return
        id = f"{journal.key}-{hashlib.sha256(item.encode()).hexdigest()[:12]}"
        signature = signed(self.key, id, utc_seconds(artifact.at), iter(body.again()))
        about = {"X-Export": artifact.manifest.export, "X-Export-Artifact": artifact.manifest.artifact}
        code = self.client.post(body, {**self.headers, **headers, **about, **signature})
        log.debug("posted", extra={"artifact": artifact.manifest.artifact, "status": code})
        journal.done(item, str(code))

    def _notice(self, artifact: Artifact, delivery: str) -> dict[str, Any]:
        """In the shape of Standard Webhooks: type, timestamp, data."""
        assert self.link_to is not None
        manifest = artifact.manifest
        link = self.link_to(manifest, delivery, self.client.place, self.settings.link)
        urls = link.files(file.name for file in artifact.files)
        files = [
            {
                "name": file.name,
                "rows": file.rows,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "url": url,
            }
            for file, url in zip(artifact.files, urls, strict=True)
        ]
        data = {
            "artifact": manifest.artifact,
            "export": manifest.export,
            "window": manifest.window.key,
            "rows": manifest.rows,
            "expires_at": link.expires_at.isoformat(),
            "files": files,
        }
        return {"type": "export.ready", "timestamp": manifest.created_at.isoformat(), "data": data}
