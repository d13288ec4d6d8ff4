"""The mailbox that e-mails arrive in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from export_pipelines_servers.authority import authority
from export_pipelines_servers.receivers.contract import Entry
from export_pipelines_servers.smtp import Post, smtp_server


def attached(mail: EmailMessage) -> dict[str, bytes]:
    files = list(mail.iter_attachments())
    return {str(file.get_filename()): file.get_payload(decode=True) for file in files}  # type: ignore[misc]


@dataclass
class MailReceiver:
    """What arrived is what the last mails hold that belong together; there is nothing that is not for readers."""

    post: Post
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.post.port

    def through(self, port: int, **settings: Any) -> Entry:
        self.environment["SMTP"] = self.post.url(self.folder / "ca.pem", port=port)
        return self.entry(**settings)

    def times(self, files: Mapping[str, bytes]) -> int:
        with_them = (set(attached(mail).values()) & set(files.values()) for mail in self.post.messages)
        return sum(map(bool, with_them))

    def clear(self) -> None:
        self.post.envelopes.clear()

    def entry(self, **settings: Any) -> Entry:
        given = {"to": ["a@example.com"], "from": "exports@example.com", "smtp": {"env": "SMTP"}, **settings}
        return {"kind": "email", "settings": given}

    def arrived(self) -> dict[str, bytes]:
        return attached(self.post.messages[-1]) if self.post.messages else {}

    def debris(self) -> list[str]:
        return []

    def refused(self) -> dict[str, Entry]:
        self.post.answers["nobody@example.com"] = "550 no such user"
        return {
            "a wrong password": self.entry(smtp={"env": "WRONG_PASSWORD"}),
            "a server that nobody vouches for": self.entry(smtp={"env": "NO_CA"}),
            "an unknown recipient": self.entry(to=["nobody@example.com"]),
            "a variable that is not set": self.entry(smtp={"env": "UNSET"}),
        }


@contextmanager
def mail_receiver(tmp: Path) -> Iterator[MailReceiver]:
    ca = authority().pem(tmp)
    with smtp_server() as post:
        environment = {
            "SMTP": post.url(ca),
            "WRONG_PASSWORD": post.url(ca, "wrong-password"),
            "NO_CA": post.url(ca).partition("?")[0],
        }
        yield MailReceiver(post, tmp, environment)
