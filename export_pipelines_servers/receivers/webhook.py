"""The inbox of an HTTPS server that webhooks are posted to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from export_pipelines_servers.authority import authority
from export_pipelines_servers.https import OPENED, Inbox, https_server
from export_pipelines_servers.receivers.contract import Entry

WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


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
def webhook_receiver(tmp: Path) -> Iterator[WebhookReceiver]:
    (tmp / "allowed.yaml").write_text(OPENED)
    with https_server() as inbox:
        made = WebhookReceiver(inbox, authority().pem(tmp))
        made.environment = {**made.environment, "EXPORT_PIPELINES_ALLOWED": str(tmp / "allowed.yaml")}
        yield made
