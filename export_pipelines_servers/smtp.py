"""A real SMTP server with TLS and passwords, which keeps the mail it was given."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from export_pipelines_servers.authority import authority
from export_pipelines_servers.free_port import free_port

USER, PASSWORD = "mailer", "s3cret/mail"
URL_PASSWORD = "s3cret%2Fmail"


@dataclass
class Post:
    """The server's side: `envelopes` are what it took; `answers` is what it says to a recipient, or to "data".

    `folder`: where each mail is kept as a file.
    """

    port: int = 0
    envelopes: list[tuple[list[str], bytes]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(data, policy=policy.default) for _, data in self.envelopes]

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if "data" in self.answers:
            return self.answers["data"]
        assert isinstance(envelope.content, bytes)
        self.envelopes.append((list(envelope.rcpt_tos), envelope.content))
        if self.folder is not None:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z.eml"
            (self.folder / name).write_bytes(envelope.content)
        return "250 taken"

    def url(self, ca: Any, password: str = URL_PASSWORD, port: int | None = None) -> str:
        return f"smtp://{USER}:{password}@localhost:{port or self.port}?ca={ca}"


def _knows(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=known, handled=False)


@contextmanager
def smtp_server(
    limit: int = 33_554_432, tls: bool = True, port: int | None = None, folder: Path | None = None
) -> Iterator[Post]:
    """A server on loopback that takes mails of at most `limit` bytes, after STARTTLS and a password."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().certificate("localhost").configure_cert(context)
    post = Post(port=port or free_port(), folder=folder)
    secure: dict[str, Any] = (
        {"tls_context": context, "require_starttls": True, "auth_required": True} if tls else {}
    )
    controller = Controller(
        post, hostname="127.0.0.1", port=post.port, authenticator=_knows, data_size_limit=limit, **secure
    )
    controller.start()
    try:
        yield post
    finally:
        controller.stop()
