"""The keys that a host may show, from lines of known_hosts, read as OpenSSH reads them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from re import IGNORECASE, fullmatch

SSH_PORT = 22
REVOKED, AUTHORITY = "@revoked", "@cert-authority"


@dataclass(frozen=True)
class HostKey:
    """`kind` as `ssh-ed25519`; `data` is the key as it goes over the wire."""

    kind: str
    data: bytes


@dataclass(frozen=True)
class KnownHost:
    """The `keys` that one host may show, and those that it may not, whatever else lists them."""

    keys: tuple[HostKey, ...] = ()
    revoked: tuple[HostKey, ...] = ()


def read_known_host(file: Path, host: str, port: int) -> KnownHost:
    """What the file known_hosts says of `host` on `port`; a file that is not there says nothing."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    return known_host(lines, host, port)


def known_host(lines: Iterable[str], host: str, port: int) -> KnownHost:
    """What `lines` say of `host` on `port`. A line that cannot be read says nothing, nor does an authority of certificates:
    no host shows us one.

    A host on a port of its own is named `[host]:port`; of a kind of key that is listed for no such name, what the bare
    name lists counts.
    """
    entries, plain = list(_entries(lines)), host.lower()
    named = _of(entries, plain if port == SSH_PORT else f"[{plain}]:{port}")
    if port == SSH_PORT:
        return named
    bare, kinds = _of(entries, plain), {key.kind for key in named.keys}
    more = tuple(key for key in bare.keys if key.kind not in kinds)
    return KnownHost((*named.keys, *more), (*named.revoked, *bare.revoked))


def read_key(text: str) -> HostKey | None:
    """The key that `ssh-ed25519 AAAA... comment` is; None when it is none."""
    kind, _, encoded = text.strip().partition(" ")
    try:
        data = base64.b64decode(encoded.split()[0], validate=True)
    except (binascii.Error, IndexError, ValueError):
        return None
    size = int.from_bytes(data[:4])
    return HostKey(kind, data) if kind and data[4 : 4 + size] == kind.encode() else None


def _of(entries: Iterable[tuple[str, str, HostKey]], name: str) -> KnownHost:
    marked_keys = [(mark, key) for mark, names, key in entries if _matches(names, name)]
    return KnownHost(
        tuple(key for mark, key in marked_keys if not mark),
        tuple(key for mark, key in marked_keys if mark == REVOKED),
    )


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str, HostKey]]:
    """Mark, names and key of each line."""
    for line in lines:
        mark, text = "", line.strip()
        if text.startswith("@"):
            mark, _, text = text.partition(" ")
        names, _, key_text = text.strip().replace("\t", " ").partition(" ")
        key = read_key(key_text)
        if key is not None and not names.startswith("#") and mark in ("", REVOKED, AUTHORITY):
            yield mark, names, key


def _matches(names: str, host: str) -> bool:
    """Whether a list of patterns, or one hashed name, means `host`; a `!pattern` that fits outweighs all others."""
    if names.startswith("|"):
        return _is_hash_of(names, host)
    fits = False
    for name in names.split(","):
        if name.startswith("!") and _fits(name[1:], host):
            return False
        fits = fits or _fits(name, host)
    return fits


def _fits(pattern: str, host: str) -> bool:
    """* is any number of letters, ? is one; [ and ] stand for themselves."""
    return fullmatch(translate(pattern.replace("[", "[[]")), host, IGNORECASE) is not None


def _is_hash_of(text: str, host: str) -> bool:
    try:
        _, kind, salt, digest = text.split("|")
        computed = hmac.digest(base64.b64decode(salt), host.encode(), hashlib.sha1)
        return kind == "1" and hmac.compare_digest(computed, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False
