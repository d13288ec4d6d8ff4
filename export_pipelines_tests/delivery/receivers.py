"""The receiving end of each kind of destination, for the contract suite: one row a kind, real servers behind them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from export_pipelines_tests.servers.authority import authority
from export_pipelines_tests.servers.smtp import Post, smtp_server

Entry = dict[str, Any]


class Receiver(Protocol):
    """A server that is up, empty, and this test's own.

    entry:   an entry of `deliver:` for it that works, with `settings` laid over; secrets are named in `environment`.
    arrived: name -> bytes of everything that its readers can see under a final name now.
    debris:  what is not for readers: temporary files, unfinished uploads. Empty after a delivery that ended well.
    refused: words of what is wrong -> an entry that the person has to mend.
    """

    environment: Mapping[str, str]

    def entry(self, **settings: Any) -> Entry: ...

    def arrived(self) -> dict[str, bytes]: ...

    def debris(self) -> list[str]: ...

    def refused(self) -> dict[str, Entry]: ...


@dataclass
class FolderReceiver:
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def entry(self, **settings: Any) -> Entry:
        return {"kind": "folder", "settings": {"path": str(self.folder / "in"), **settings}}

    def arrived(self) -> dict[str, bytes]:
        files = [path for path in (self.folder / "in").glob("*") if not path.name.startswith(".")]
        return {path.name: path.read_bytes() for path in sorted(files)}

    def debris(self) -> list[str]:
        return [path.name for path in (self.folder / "in").glob(".*")]

    def refused(self) -> dict[str, Entry]:
        (self.folder / "file").write_text("x")
        return {"a file in the way": self.entry(path=str(self.folder / "file" / "in"))}


@contextmanager
def _folder(tmp: Path):  # type: ignore[no-untyped-def]
    (tmp / "receiver").mkdir()
    yield FolderReceiver(tmp / "receiver")


@dataclass
class MailReceiver:
    """What arrived is what the last mails hold that belong together; there is nothing that is not for readers."""

    post: Post
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def entry(self, **settings: Any) -> Entry:
        given = {"to": ["a@example.com"], "from": "exports@example.com", "smtp": {"env": "SMTP"}, **settings}
        return {"kind": "email", "settings": given}

    def arrived(self) -> dict[str, bytes]:
        last = self.post.messages[-1:]
        return {
            str(one.get_filename()): one.get_payload(decode=True)
            for mail in last
            for one in mail.iter_attachments()
        }

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
def _email(tmp: Path):  # type: ignore[no-untyped-def]
    ca = authority().pem(tmp)
    with smtp_server() as post:
        environment = {
            "SMTP": post.url(ca),
            "WRONG_PASSWORD": post.url(ca, "wrong-password"),
            "NO_CA": post.url(ca).partition("?")[0],
        }
        yield MailReceiver(post, tmp, environment)


RECEIVERS: Mapping[str, Callable[[Path], AbstractContextManager[Receiver]]] = {
    "folder": _folder,
    "email": _email,
}
