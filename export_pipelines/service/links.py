"""Signed links: who has one fetches the files of one artifact, without a key, until it expires, is used or is revoked.

The token is `<id>.<expiry>.<signature>`; the signature binds it to the artifact and the recipient that the ledger has."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, timedelta

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import Denied, SettingsError
from export_pipelines.files.own_keys import make_key
from export_pipelines.key_versions import KeyVersion, key_file
from export_pipelines.ledger import Link, Links
from export_pipelines.project import Project

PURPOSE = "links"
ID_BYTES = 12
MOST_DAYS = 30


def ensure_key(project: Project) -> None:
    """Makes LINK_KEY in HOME where none is set. Services on several machines are given one by the environment."""
    if not project.settings.link_key.local:
        make_key(key_file(project.settings.home, "LINK_KEY"))
        project.__dict__.pop("settings", None)


def new_link(
    project: Project, manifest: Manifest, recipient: str, by: str, lifetime: timedelta, single_use: bool
) -> tuple[Link, str]:
    """The link as the ledger keeps it, and its token, which nobody can be told again. Raises SettingsError."""
    now = project.now().replace(microsecond=0)
    link = Link(
        secrets.token_hex(ID_BYTES), manifest.artifact, recipient, by, now, now + lifetime, single_use
    )
    Links(project.ledger.engine).add(link)
    return link, _token(link, project.settings.link_key.active(PURPOSE))


def link_of(project: Project, token: str) -> Link:
    """The link that a token is of. Raises Denied for one that was changed, has expired or was revoked, with one text."""
    link = Links(project.ledger.engine).named(token.partition(".")[0])
    signed = link is not None and any(
        hmac.compare_digest(_token(link, version).encode(), token.encode("utf-8", "replace"))
        for version in project.settings.link_key.local
    )
    if link is None or not signed or link.state(project.now()) != "active":
        raise Denied("the link is not good any more", remedy="ask whoever sent it for another")
    return link


def _token(link: Link, key: KeyVersion) -> str:
    """`<id>.<seconds>.<signature>`."""
    if len(key.material) < 32:
        raise SettingsError("links need a key of at least 32 bytes", where=key.where)
    begin = f"{link.id}.{int(link.expires_at.astimezone(UTC).timestamp())}"
    text = "\n".join((begin, link.artifact, link.recipient, str(link.single_use)))
    derived = HKDF(SHA256(), 32, None, b"export_pipelines LINK_KEY signs links").derive(key.material)
    signature = hmac.digest(derived, text.encode(), hashlib.sha256)
    return f"{begin}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
