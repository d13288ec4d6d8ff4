"""Signed links: who has one fetches the files of one artifact, without a key, until it expires, is used or is revoked.

The token is `<id>.<expiry>.<signature>`; the signature binds it to the artifact and the recipient that the ledger has."""

import base64
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from export_pipelines.artifacts import Manifest
from export_pipelines.audit.trail import AuditTrail
from export_pipelines.definition.destinations import LinkSettings
from export_pipelines.delivery.link import DeliveredLink
from export_pipelines.errors import Denied, SettingsError
from export_pipelines.files.own_keys import make_key
from export_pipelines.key_versions import KeyVersion, key_file, key_versions
from export_pipelines.ledger import AuditAction, AuditRecord, Ledger, Link, Links
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.settings import Settings

KEY = "LINK_KEY"
PURPOSE = "links"
ID_BYTES = 12

Clock = Callable[[], datetime]


def signing_key(settings: Settings) -> KeyVersion:
    """The LINK_KEY that signs; made in HOME where none is set. Services on several machines are given one by the environment.
    Raises SettingsError."""
    if settings.link_key.local:
        return settings.link_key.active(PURPOSE)
    make_key(key_file(settings.home, KEY))
    return key_versions({}, KEY, settings.root, settings.home).active(PURPOSE)


def new_link(
    ledger: Ledger,
    settings: Settings,
    now: Clock,
    manifest: Manifest,
    recipient: str,
    by: str,
    lifetime: timedelta,
    single_use: bool,
    id: str | None = None,
) -> tuple[Link, str]:
    """The link as the ledger keeps it, and its token, which nobody can be told again. The audit has it. Raises SettingsError."""
    key, at = signing_key(settings), now().replace(microsecond=0)
    id = id or secrets.token_hex(ID_BYTES)
    link = Link(id, manifest.artifact, recipient, by, at, at + lifetime, single_use)
    token = _token(link, key)
    Links(ledger.engine).add(link)
    detail = {
        "change": "made",
        "link": id,
        "until": link.expires_at.isoformat(),
    }  # the ledger has the recipient
    AuditTrail(lambda: ledger, now).record(
        AuditRecord(by, AuditAction.LINK_CHANGED, manifest.artifact, detail=detail)
    )
    return link, token


def link_of(ledger: Ledger, settings: Settings, now: Clock, token: str) -> Link:
    """The link that a token is of. Raises Denied for one that was changed, has expired or was revoked, with one text."""
    link = Links(ledger.engine).named(token.partition(".")[0])
    signed = link is not None and any(
        hmac.compare_digest(_token(link, version).encode(), token.encode("utf-8", "replace"))
        for version in settings.link_key.local
    )
    if link is None or not signed or link.state(now()) != "active":
        raise Denied("the link is not good any more", remedy="ask whoever sent it for another")
    return link


def delivered_link(
    ledger: Ledger,
    settings: Settings,
    now: Clock,
    again: bool,
    manifest: Manifest,
    delivery: str,
    recipient: str,
    wanted: LinkSettings,
) -> DeliveredLink:
    """The link that a delivery sends to one recipient: the same in each attempt, as long as it is good. It is good with the
    rights of who asked for the artifact, or else of its owner. One that was revoked is replaced only where somebody has it sent
    `again`. Raises SettingsError, Denied."""
    links = Links(ledger.engine)
    by = manifest.rights.get("asker") or manifest.rights.get("owner") or OPERATOR
    key = signing_key(settings)
    texts = (f"{delivery} {recipient} {number}" for number in itertools.count())
    ids = (hmac.digest(key.material, text.encode(), hashlib.sha256).hex()[: 2 * ID_BYTES] for text in texts)
    before: Link | None = None
    for id in ids:
        link = links.named(id)
        if link is None or link.state(now()) == "active":
            break
        before = link
    if link is None and before and before.revoked_at and not again:
        raise Denied(
            "the link of this delivery was revoked",
            where=manifest.artifact,
            remedy="send the delivery again, which makes another link",
        )
    if link:
        token = _token(link, key)
    else:
        days, once = timedelta(days=wanted.days), wanted.single_use
        link, token = new_link(ledger, settings, now, manifest, recipient, str(by), days, once, id)
    return DeliveredLink(link_url(settings, token), link.expires_at)


def link_url(settings: Settings, token: str) -> str:
    """Below the service's public URL, where one is set; else from the root of the service."""
    return f"{(settings.public_url or '').rstrip('/')}/links/{token}"


def _token(link: Link, key: KeyVersion) -> str:
    """`<id>.<seconds>.<signature>`."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    if len(key.material) < 32:
        raise SettingsError("links need a key of at least 32 bytes", where=key.where)
    begin = f"{link.id}.{int(link.expires_at.astimezone(UTC).timestamp())}"
    text = "\n".join((begin, link.artifact, link.recipient, str(link.single_use)))
    derived = HKDF(SHA256(), 32, None, b"export_pipelines LINK_KEY signs links").derive(key.material)
    signature = hmac.digest(derived, text.encode(), hashlib.sha256)
    return f"{begin}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
