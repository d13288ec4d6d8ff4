"""What goes wrong between us and a server, in one table: which exception means retry, and which means user action.

Whoever speaks to a server does so inside of `network_errors`. Exceptions stand in the table by their full names, so that no
library is imported for its row. What a server says in words is never repeated, since it may quote anything.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from export_pipelines.errors import ExportError, RequestError, RetryableError, SettingsError, Uncertain

PASSING_STATUS = frozenset({408, 425, 429})  # besides 5xx
MOST_ASKED_S = 24 * 3600.0  # of Retry-After
# What OpenSSL says when one side does not trust the other, or speaks no TLS; what else it says may pass.
UNTRUSTED_REASONS = (
    "CERTIFICATE", "HOSTNAME", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "PROTOCOL_VERSION", "ACCESS_DENIED", "WRONG_VERSION_NUMBER",
)  # fmt: skip
LOGIN_BROKE_OFF = ("timeout", "shut down", "eof")  # what paramiko calls a failed login, though nobody said no


@dataclass(frozen=True)
class Meaning:
    """What an exception means: `kind` says what follows from it."""

    kind: type[ExportError]
    what: str
    remedy: str = ""

    def error(self, where: str) -> ExportError:
        return self.kind(self.what, where=where, remedy=self.remedy)


Row = Meaning | Callable[[Any], Meaning]

UNREACHABLE = Meaning(RetryableError, "the server cannot be reached")
TOO_LONG = Meaning(RetryableError, "the server took too long")
NO_KEYS = Meaning(
    SettingsError,
    "there are no credentials of AWS",
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or the machine's role; of a bucket, name `access_key` and "
    "`secret_key`",
)


def _broke(error: BaseException) -> Meaning:
    return Meaning(RetryableError, f"the connection broke: {type(error).__name__}")


def _no_name(error: socket.gaierror) -> Meaning:
    passing = error.errno == socket.EAI_AGAIN
    return Meaning(RetryableError if passing else RequestError, "the host's name is not known")


def _tls(error: ssl.SSLError) -> Meaning:
    if not any(word in f"{error.reason} {error}".upper() for word in UNTRUSTED_REASONS):
        return Meaning(RetryableError, "the connection broke while it was being encrypted")
    why = f": {error.verify_message}" if isinstance(error, ssl.SSLCertVerificationError) else ""
    return Meaning(
        RequestError,
        f"the server's certificate is not trusted, or ours is not{why}",
        "name who vouches for it by `ca` (of a mail server ?ca=ca.pem in its URL), or ask who runs it",
    )


def _login(error: BaseException) -> Meaning:
    if any(word in str(error).lower() for word in LOGIN_BROKE_OFF):
        return Meaning(RetryableError, "the connection broke while we logged in")
    return Meaning(
        RequestError,
        "the server does not let us in: wrong password or key",
        "mend user, password or key, or ask who runs the server",
    )


def _no_request(error: BaseException) -> Meaning:
    return Meaning(RequestError, f"the settings make no request: {type(error).__name__}")


def _wrapped(otherwise: Row) -> Row:
    """Of a library that raises its own exception about one of the system's: what that one means, else `otherwise`."""

    def meaning(error: BaseException) -> Meaning:
        for cause in _causes(error):
            if isinstance(cause, (socket.gaierror, ssl.SSLError, ConnectionRefusedError)):
                return meaning_of(cause) or _broke(error)
        return otherwise if isinstance(otherwise, Meaning) else otherwise(error)

    return meaning


def _naming_server(row: Row) -> Row:
    """Of botocore, which knows the server that it asked: a bucket's URL does not name it."""

    def meaning(error: Any) -> Meaning:
        plain = row if isinstance(row, Meaning) else row(error)
        try:
            asked = urlsplit(str(error.kwargs.get("endpoint_url", "")))
        except ValueError:  # no URL, which another row tells
            return plain
        server = f"{asked.scheme}://{asked.netloc.rpartition('@')[2]}"
        return replace(plain, what=f"{plain.what}: {server}") if asked.netloc else plain

    return meaning


TABLE: Mapping[str, Row] = {
    "builtins.OSError": _broke,
    "builtins.EOFError": _broke,
    "builtins.ConnectionRefusedError": UNREACHABLE,
    "builtins.TimeoutError": TOO_LONG,
    "socket.gaierror": _no_name,
    "ssl.SSLError": _tls,
    "requests.exceptions.RequestException": _wrapped(_broke),
    "requests.exceptions.Timeout": TOO_LONG,
    "requests.exceptions.ProxyError": Meaning(RetryableError, "the proxy does not let us through"),
    "smtplib.SMTPException": _broke,
    "smtplib.SMTPServerDisconnected": Meaning(RetryableError, "the server closed the connection"),
    "smtplib.SMTPNotSupportedError": Meaning(
        RequestError,
        "the server offers no STARTTLS, or no way to authenticate",
        "smtps:// is TLS from the start; smtp+plain:// is neither, for a relay of this machine",
    ),
    "paramiko.ssh_exception.SSHException": _wrapped(_broke),
    "paramiko.ssh_exception.AuthenticationException": _login,
    "botocore.exceptions.BotoCoreError": _naming_server(_wrapped(_broke)),
    "botocore.exceptions.EndpointConnectionError": _naming_server(_wrapped(UNREACHABLE)),
    "botocore.exceptions.ConnectTimeoutError": _naming_server(TOO_LONG),
    "botocore.exceptions.ReadTimeoutError": _naming_server(TOO_LONG),
    "botocore.exceptions.NoCredentialsError": NO_KEYS,
    "botocore.exceptions.PartialCredentialsError": NO_KEYS,
    "botocore.exceptions.ProfileNotFound": NO_KEYS,
    "botocore.exceptions.NoRegionError": Meaning(
        SettingsError, "there is no region of AWS", "name `region`, or set AWS_REGION"
    ),
    "botocore.exceptions.ParamValidationError": _no_request,
    "botocore.exceptions.InvalidEndpointConfigurationError": _no_request,
}


def meaning_of(error: BaseException) -> Meaning | None:
    """By the row of its class, or of the nearest class above; None for what is no matter of the network."""
    for kind in type(error).__mro__:
        row = TABLE.get(f"{kind.__module__}.{kind.__qualname__}")
        if row is not None:
            return row if isinstance(row, Meaning) else row(error)
    return None


@contextmanager
def network_errors(where: str, handed_over: Uncertain | None = None) -> Iterator[None]:
    """Raises what the block's exceptions mean: RequestError for user action, RetryableError for what may pass.

    `handed_over`: what is raised instead of any of them once the server may have what it was sent, and cannot be asked.
    """
    try:
        yield
    except Exception as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        if handed_over is not None:
            raise handed_over from error
        raise meaning.error(where) from None


def is_passing(status: int) -> bool:
    """Whether the same request may succeed later, by the status of an HTTP answer."""
    return status in PASSING_STATUS or status >= 500


def retry_after_s(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After, given as such or as a date."""
    if not retry_after:
        return None
    try:
        at = None if retry_after.strip().isdigit() else parsedate_to_datetime(retry_after)
        seconds = float(retry_after) if at is None else at.timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), MOST_ASKED_S)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Every exception that `error` came of, the nearest first."""
    seen, waiting = {id(error)}, [error.__cause__, error.__context__]
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__]
