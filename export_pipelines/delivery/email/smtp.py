"""Handing a mail to a server: encrypted, authenticated, and with the one moment told apart in which nobody knows."""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from urllib.parse import parse_qs, unquote, urlsplit

from export_pipelines.definition.destinations.hosts import is_loopback
from export_pipelines.delivery.destination import HandOvers
from export_pipelines.errors import RequestError, RetryableError, SettingsError, Uncertain
from export_pipelines.network_errors import network_errors

END_OF_MAIL = b".\r\n"
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
REMEDY = "smtp://user:password@host:587 (STARTTLS), smtps://... (TLS) or smtp+plain://... (neither, for a relay of this machine)"


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed in; `ca` is a PEM file of who may vouch for the server, None for those of the system."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str | None = None
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def smtp_server(url: str, where: str, timeout_s: float) -> SmtpServer:
    """Reads `smtp://user:password@host:587?ca=ca.pem`. Raises SettingsError, which does not repeat it."""
    try:
        parts = urlsplit(url)
        port, query = parts.port, parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise SettingsError("the URL of the mail server cannot be read", where=where, remedy=REMEDY) from None
    if parts.scheme not in PORTS or not parts.hostname or set(query) - {"ca"}:
        raise SettingsError("the URL of the mail server is not one", where=where, remedy=REMEDY)
    if parts.scheme == "smtp+plain" and not is_loopback(parts.hostname):
        raise SettingsError(
            "a mail server without TLS may be on this machine only", where=where, remedy=REMEDY
        )
    return SmtpServer(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ca=query.get("ca", [None])[0],
        timeout_s=timeout_s,
    )


@contextmanager
def connected(server: SmtpServer) -> Iterator[smtplib.SMTP]:
    """A connection that may send. Raises RequestError for what the person must mend, RetryableError for what may pass."""
    with smtp_errors(server):
        context = _trust(server)
        if server.scheme == "smtps":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout_s, context=context
            )
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        with smtp_errors(server):
            if server.scheme == "smtp":
                client.starttls(context=context)
            client.ehlo_or_helo_if_needed()
            if server.user:
                client.login(server.user, server.password)
        yield client
    except BaseException as error:
        if not isinstance(
            error, Exception
        ):  # an interrupt: a silent server would not answer a farewell either
            client.close()
        raise
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.close()


def is_answering(client: smtplib.SMTP) -> bool:
    """Whether the server still takes commands."""
    try:
        code, _ = client.noop()
    except (smtplib.SMTPException, OSError):
        return False
    return code == 250


def require_recipients(client: smtplib.SMTP, server: SmtpServer, sender: str, to: Sequence[str]) -> None:
    """Opens a mail and lets it go again. Raises RequestError or RetryableError when the server takes one of them not."""
    refused = _open_mail(client, server, sender, to, 0)
    with smtp_errors(server):
        client.rset()
    _require_none(server, refused)


def hand_over(
    client: smtplib.SMTP,
    server: SmtpServer,
    sender: str,
    to: Sequence[str],
    mail: bytes,
    item: str,
    journal: HandOvers,
) -> None:
    """Sends `mail` to those of `to` that do not have it, and says so in the journal as `<item> <address>`.

    All but the end of the mail is sent before `handing` is said: killed or cut off until then, the server has nothing.
    Raises Uncertain when the server does not answer to the end; RequestError or RetryableError when it refused the mail
    or some of its recipients, after the others got it.
    """
    missing = [name for name in to if journal.state(f"{item} {name}") != "done"]
    if not missing:
        return
    refused = _open_mail(client, server, sender, missing, len(mail))
    taken = [name for name in missing if name not in refused]
    if taken:
        with smtp_errors(server):
            code, _ = client.docmd("data")
            if code != 354:
                raise smtplib.SMTPResponseException(code, b"")
            client.send(_dotted(mail))
        for name in taken:
            journal.handing(f"{item} {name}")
        code = _end_mail(client, server, item, taken, journal)
        for name in taken:
            journal.done(f"{item} {name}", str(code))
    _require_none(server, refused)


def _end_mail(
    client: smtplib.SMTP, server: SmtpServer, item: str, taken: Sequence[str], journal: HandOvers
) -> int:
    unknown = Uncertain(
        "the mail was handed over and the server did not say whether it has it",
        where=str(server),
        remedy="ask the recipient; if it is not there: export-pipelines deliver ARTIFACT --again",
    )
    with network_errors(str(server), handed_over=unknown):
        client.send(END_OF_MAIL)
        code, _ = client.getreply()
    if code != 250:
        for name in taken:
            journal.not_taken(f"{item} {name}")
        with smtp_errors(server):
            raise smtplib.SMTPResponseException(code, b"")
    return code


def _open_mail(
    client: smtplib.SMTP, server: SmtpServer, sender: str, to: Sequence[str], size: int
) -> dict[str, int]:
    """Names sender and recipients; returns address -> code of those who are refused."""
    with smtp_errors(server):
        client.rset()
        options = [f"size={size}"] if size and client.has_extn("size") else []
        code, _ = client.mail(sender, options)
        if code != 250:
            raise smtplib.SMTPResponseException(code, b"")
        codes = {name: client.rcpt(name)[0] for name in to}
    return {name: code for name, code in codes.items() if code not in (250, 251)}


def _require_none(server: SmtpServer, refused: dict[str, int]) -> None:
    if not refused:
        return
    code = max(refused.values())
    text = f"the mail server refuses {len(refused)} of the recipients: {', '.join(sorted(refused))} ({code})"
    if code >= 500:
        raise RequestError(text, where=str(server), remedy="mend the addresses, or ask who runs the server")
    raise RetryableError(text, where=str(server))


def announced_limit(client: smtplib.SMTP) -> int | None:
    """The largest mail in bytes that the server says it takes; None when it does not say."""
    limit = client.esmtp_features.get("size", "").strip()
    return int(limit) if limit.isdigit() and int(limit) > 0 else None


def encoded(message: EmailMessage) -> bytes:
    """The mail as it is sent: CRLF, no line longer than 998."""
    return message.as_bytes(policy=SMTP_POLICY)


def _dotted(mail: bytes) -> bytes:
    """With a dot more where a line begins with one (RFC 5321, 4.5.2), up to the last line's end."""
    text = mail if mail.endswith(b"\r\n") else mail + b"\r\n"
    return (b"." if text.startswith(b".") else b"") + text.replace(b"\r\n.", b"\r\n..")


def _trust(server: SmtpServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"cannot read the certificates in {server.ca}", where=str(server)) from None


@contextmanager
def smtp_errors(server: SmtpServer) -> Iterator[None]:
    """Sorts what smtplib raises; no text of the server is repeated, which may quote anything."""
    with network_errors(str(server)):
        try:
            yield
        except smtplib.SMTPResponseException as error:
            raise _answered(error, str(server)) from None


def _answered(error: smtplib.SMTPResponseException, where: str) -> RequestError | RetryableError:
    code = error.smtp_code
    if not 500 <= code < 600:
        return RetryableError(f"the mail server asks to come again ({code})", where=where)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return RequestError(
            f"the mail server refuses user and password ({code})", where=where, remedy="mend them in its URL"
        )
    if code == 552:
        return RequestError(
            f"the mail is too large for the server ({code})", where=where, remedy="lower max_size"
        )
    return RequestError(f"the mail server refuses the mail ({code})", where=where)
