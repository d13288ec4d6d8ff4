"""Connections by SSH: to servers whose key is known, directly or over a host on the way."""

import base64
import hashlib
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from export_pipelines import logs
from export_pipelines.definition.destinations.sftp import SshLogin
from export_pipelines.delivery.resources import Resources
from export_pipelines.delivery.sftp.known_hosts import HostKey, KnownHost, read_key, read_known_host
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines.network_errors import network_errors

if TYPE_CHECKING:
    import paramiko

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")  # twice as fast as paramiko's first choice
logs.for_machines("paramiko")  # it raises its errors, and would print them with tracebacks, too


@dataclass(frozen=True)
class Login:
    """An `SshLogin` with its secrets; `known` is what its host may show."""

    host: str
    port: int
    user: str
    known: KnownHost
    trust: str  # how people make its key known
    password: str | None = field(default=None, repr=False)
    key: "paramiko.PKey | None" = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def login_of(settings: SshLogin, resources: Resources, where: str) -> Login:
    """Reads secrets, key and known hosts. Raises SettingsError."""
    password = resources.secret(settings.password, f"{where}.password") if settings.password else None
    passphrase = resources.secret(settings.passphrase, f"{where}.passphrase") if settings.passphrase else None
    text = resources.secret(settings.key, f"{where}.key") if settings.key else None
    return Login(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        known=_known(settings, resources, where),
        trust=f"ssh-keyscan -p {settings.port} {settings.host} >> {settings.known_hosts}",
        password=password,
        key=_private_key(text, passphrase, where) if text else None,
    )


@contextmanager
def connected(login: Login, jump: Login | None, timeout_s: float) -> "Iterator[paramiko.Transport]":
    """A session that is authenticated. Raises RequestError for what the person must mend, RetryableError for the rest."""
    if jump is None:
        with network_errors(str(login)):
            road = socket.create_connection((login.host, login.port), timeout_s)
            # else the end of each request waits, 40 ms with Linux, until the server has confirmed its beginning
            road.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with _session(login, road, timeout_s) as session:
            yield session
        return
    with connected(jump, None, timeout_s) as first:
        with network_errors(str(jump)):
            channel = first.open_channel(
                "direct-tcpip", (login.host, login.port), ("127.0.0.1", 0), timeout=timeout_s
            )
        with _session(login, channel, timeout_s) as session:
            yield session


@contextmanager
def _session(
    login: Login, road: "socket.socket | paramiko.Channel", timeout_s: float
) -> "Iterator[paramiko.Transport]":
    import paramiko

    with network_errors(str(login)):
        session = paramiko.Transport(road)
    try:
        with network_errors(str(login)):
            session.banner_timeout = session.auth_timeout = session.handshake_timeout = timeout_s
            _prefer(session, login)
            session.start_client(timeout=timeout_s)
            _require_known(session.get_remote_server_key(), login)
            if login.key is not None:
                session.auth_publickey(login.user, login.key)
            else:
                session.auth_password(login.user, login.password or "")
        yield session
    finally:
        session.close()


def _prefer(session: "paramiko.Transport", login: Login) -> None:
    options = session.get_security_options()
    options.ciphers = [*CIPHERS, *(cipher for cipher in options.ciphers if cipher not in CIPHERS)]
    # A server has keys of several kinds: it is asked for one that is known.
    kinds = {name for key in login.known.keys for name in (key.kind, *_RSA.get(key.kind, ()))}
    if login.known.keys:
        options.key_types = sorted(options.key_types, key=lambda key_type: key_type not in kinds)


_RSA = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


def _require_known(key: "paramiko.PKey", login: Login) -> None:
    host_key = HostKey(key.get_name(), key.asbytes())
    if host_key in login.known.keys and host_key not in login.known.revoked:
        return
    shown = f"{key.get_name()} SHA256:{base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip('=')}"
    if host_key in login.known.revoked:
        raise RequestError(
            f"the host key was revoked: {shown}; who shows it may be another machine",
            where=str(login),
            remedy="ask who runs it for its new key; known_hosts says @revoked of this one",
        )
    if login.known.keys:
        raise RequestError(
            f"the host key is another one now: {shown}; it may be another machine",
            where=str(login),
            remedy="ask who runs it; if it is right, replace the old key in known_hosts or `host_key`",
        )
    raise RequestError(
        f"the host key is not known: {shown}",
        where=str(login),
        remedy=f"compare it with what who runs it says, then: {login.trust}",
    )


def _known(settings: SshLogin, resources: Resources, where: str) -> KnownHost:
    if settings.host_key is not None:
        key = read_key(settings.host_key)
        if key is None:
            raise SettingsError(
                "the host key cannot be read", where=f"{where}.host_key", remedy="ssh-ed25519 AAAA..."
            )
        return KnownHost((key,))
    file = resources.path(settings.known_hosts, f"{where}.known_hosts")
    return read_known_host(file, settings.host, settings.port)


def _private_key(text: str, passphrase: str | None, where: str) -> "paramiko.PKey":
    import paramiko

    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text + "\n"), password=passphrase)
        except paramiko.PasswordRequiredException:
            raise SettingsError(
                "the private key is encrypted", where=f"{where}.key", remedy="name its `passphrase`"
            ) from None
        except (paramiko.SSHException, ValueError, TypeError):
            continue
    raise SettingsError(
        "the private key cannot be read, or its passphrase is wrong",
        where=f"{where}.key",
        remedy="an OpenSSH or PEM key of kind ed25519, ecdsa or rsa",
    )
