"""The receiving end of each kind of destination, for the contract suite: one row a kind, real servers behind them."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from export_pipelines.s3 import Bucket
from export_pipelines_servers.authority import authority
from export_pipelines_servers.https import OPENED, Inbox, https_server
from export_pipelines_servers.s3 import KEY, READER_KEY, READER_SECRET, SECRET, S3Server, own_bucket
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_servers.ssh import SshServer, asyncssh_server, openssh

Entry = dict[str, Any]
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz"


class Receiver(Protocol):
    """A server that is up, empty, and this test's own.

    entry:   an entry of `deliver:` for it that works, with `settings` laid over; secrets are named in `environment`.
    arrived: name -> bytes of everything that its readers can see under a final name now.
    debris:  what is not for readers: temporary files, unfinished uploads. Empty after a delivery that ended well.
    refused: words of what is wrong -> an entry that the person has to mend.
    """

    @property
    def environment(self) -> Mapping[str, str]: ...

    def entry(self, **settings: Any) -> Entry: ...

    def arrived(self) -> dict[str, bytes]: ...

    def debris(self) -> list[str]: ...

    def refused(self) -> dict[str, Entry]: ...


class RemoteReceiver(Receiver, Protocol):
    """One that is reached over a network.

    through: `entry`, by way of a proxy in front of `port`; call it before `environment` is read.
    times:   how often `files` arrived; more than once is a duplicate.
    clear:   everything that arrived goes, as if it were new.
    """

    @property
    def port(self) -> int: ...

    def through(self, port: int, **settings: Any) -> Entry: ...

    def times(self, files: Mapping[str, bytes]) -> int: ...

    def clear(self) -> None: ...


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
def folder_receiver(tmp: Path) -> Iterator[FolderReceiver]:
    (tmp / "receiver").mkdir()
    yield FolderReceiver(tmp / "receiver")


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
def _email(tmp: Path) -> Iterator[MailReceiver]:
    ca = authority().pem(tmp)
    with smtp_server() as post:
        environment = {
            "SMTP": post.url(ca),
            "WRONG_PASSWORD": post.url(ca, "wrong-password"),
            "NO_CA": post.url(ca).partition("?")[0],
        }
        yield MailReceiver(post, tmp, environment)


@dataclass
class SftpReceiver:
    server: SshServer

    @property
    def port(self) -> int:
        return self.server.port

    def through(self, port: int, **settings: Any) -> Entry:
        return self.entry(port=port, **settings)

    def times(self, files: Mapping[str, bytes]) -> int:
        """A second copy would stand under another name."""
        return 1 if set(self.arrived()) == {*files, "daily.manifest.json"} else 2

    def clear(self) -> None:
        shutil.rmtree(self.server.root / "in", ignore_errors=True)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"SSH": self.server.key or self.server.password, "WRONG": "wrong-password"}

    def entry(self, **settings: Any) -> Entry:
        path = f"{self.server.path}/in/".removeprefix("//")
        return {"kind": "sftp", "settings": {**self.server.login(), "path": path, **settings}}

    def arrived(self) -> dict[str, bytes]:
        files = [path for path in (self.server.root / "in").glob("*") if not path.name.startswith(".")]
        return {path.name: path.read_bytes() for path in sorted(files)}

    def debris(self) -> list[str]:
        return [path.name for path in self.server.root.rglob(".*")]

    def refused(self) -> dict[str, Entry]:
        (self.server.root / "file").write_text("x")
        path = self.entry()["settings"]["path"]
        return {
            "an unknown host key": self.entry(host_key=None, known_hosts="none"),
            "another host key": self.entry(host_key=OTHER_KEY),
            "a wrong password": self.entry(password={"env": "WRONG"}, key=None),
            "a variable that is not set": self.entry(password={"env": "UNSET"}, key=None),
            "a file in the way": self.entry(path=f"{path[:-3]}file/in/"),
        }


@contextmanager
def _openssh(tmp: Path) -> Iterator[SftpReceiver]:
    with openssh() as server:
        yield SftpReceiver(server)


@contextmanager
def _asyncssh(tmp: Path) -> Iterator[SftpReceiver]:
    (tmp / "receiver").mkdir()
    with asyncssh_server(tmp / "receiver") as server:
        yield SftpReceiver(server)


@dataclass
class S3Receiver:
    server: S3Server
    bucket: Bucket
    folder: str = "in/"
    environment: Mapping[str, str] = field(
        default_factory=lambda: {
            "S3_KEY": KEY,
            "S3_SECRET": SECRET,
            "READER_KEY": READER_KEY,
            "READER_SECRET": READER_SECRET,
        }
    )

    @property
    def port(self) -> int:
        return self.server.port

    def through(self, port: int, **settings: Any) -> Entry:
        return self.entry(endpoint_url=f"http://127.0.0.1:{port}", **settings)

    def times(self, files: Mapping[str, bytes]) -> int:
        """A second copy would stand under another key."""
        return 1 if set(self.arrived()) == {*files, "daily.manifest.json"} else 2

    def clear(self) -> None:
        for stored in list(self.bucket.list("")):
            self.bucket.remove(stored.key)
        for upload in list(self.bucket.uploads("")):
            self.bucket.abort(upload.key, upload.upload)

    def entry(self, **settings: Any) -> Entry:
        given = {
            "bucket": self.bucket.name,
            "key": self.folder,
            "endpoint_url": self.server.endpoint_url,
            "access_key": {"env": "S3_KEY"},
            "secret_key": {"env": "S3_SECRET"},
            **settings,
        }
        return {"kind": "s3", "settings": given}

    def arrived(self) -> dict[str, bytes]:
        names = [one.key for one in self.bucket.list("") if not self._hidden(one.key)]
        return {name.removeprefix(self.folder): self.bucket.read(name) or b"" for name in names}

    def debris(self) -> list[str]:
        hidden = [one.key for one in self.bucket.list("") if self._hidden(one.key)]
        return [*hidden, *(upload.key for upload in self.bucket.uploads(""))]

    def _hidden(self, key: str) -> bool:
        return key.rpartition("/")[2].startswith(".")

    def refused(self) -> dict[str, Entry]:
        https = f"https://127.0.0.1:{self.server.https_port}"
        return {
            "a wrong secret": self.entry(secret_key={"env": "READER_SECRET"}),
            "no right to write": self.entry(
                access_key={"env": "READER_KEY"}, secret_key={"env": "READER_SECRET"}
            ),
            "a bucket that is not there": self.entry(bucket="no-such-bucket"),
            "a server that nobody vouches for": self.entry(endpoint_url=https),
            "a variable that is not set": self.entry(secret_key={"env": "UNSET"}),
            "a host that is not there": self.entry(endpoint_url="https://no-such-host.invalid"),
        }


@contextmanager
def _s3(tmp: Path) -> Iterator[S3Receiver]:
    yield S3Receiver(*own_bucket())


@dataclass
class WebhookReceiver:
    inbox: Inbox
    ca: Path
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"KEY": WEBHOOK_SECRET, "TOKEN": "s3cret-token"}
    )

    @property
    def port(self) -> int:
        return self.inbox.port

    def through(self, port: int, **settings: Any) -> Entry:
        return self.entry(url=f"https://localhost:{port}/in", **settings)

    def times(self, files: Mapping[str, bytes]) -> int:
        """Receivers know a file by its key: as many files with the bytes of one are as many times."""
        bodies = [one.body for one in self.inbox.posted.values()]
        return max(bodies.count(data) for data in files.values())

    def clear(self) -> None:
        self.inbox.posted.clear()

    def entry(self, **settings: Any) -> Entry:
        given = {"url": self.inbox.url(), "ca": str(self.ca), "secret": {"env": "KEY"}}
        return {
            "kind": "webhook",
            "settings": {**given, "headers": {"X-Token": {"env": "TOKEN"}}, **settings},
        }

    def arrived(self) -> dict[str, bytes]:
        return {
            unquote(one.headers["content-disposition"].partition("''")[2]): one.body
            for one in self.inbox.posted.values()
        }

    def debris(self) -> list[str]:
        return []

    def refused(self) -> dict[str, Entry]:
        return {
            "a private address": self.entry(url="https://10.0.0.1/in"),
            "a server that nobody vouches for": self.entry(ca=None),
            "a variable that is not set": self.entry(secret={"env": "UNSET"}),
            "a host that is not there": self.entry(url="https://no-such-host.invalid/in"),
        }


@contextmanager
def _webhook(tmp: Path) -> Iterator[WebhookReceiver]:
    (tmp / "allowed.yaml").write_text(OPENED)
    with https_server() as inbox:
        made = WebhookReceiver(inbox, authority().pem(tmp))
        made.environment = {**made.environment, "EXPORT_PIPELINES_ALLOWED": str(tmp / "allowed.yaml")}
        yield made


REMOTE: Mapping[str, Callable[[Path], AbstractContextManager[RemoteReceiver]]] = {
    "email": _email,
    "sftp (OpenSSH)": _openssh,
    "sftp (asyncssh)": _asyncssh,
    "s3": _s3,
    "webhook": _webhook,
}
