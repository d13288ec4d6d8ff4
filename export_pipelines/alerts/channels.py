"""Telling people: one message through one channel of `alerts.yaml`, by mail, Slack or a webhook of their own."""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal, Protocol

from export_pipelines.alerts import rules
from export_pipelines.delivery.email.destination import mail_from, mail_server
from export_pipelines.delivery.email.smtp import SmtpServer, connected, encoded, hand_over
from export_pipelines.delivery.resources import Resources
from export_pipelines.delivery.webhook.destination import JSON, signed, signing_key
from export_pipelines.delivery.webhook.http_client import Body, HttpClient, utc_seconds
from export_pipelines.errors import SettingsError
from export_pipelines.templates import header_text, render_text

log = logging.getLogger(__name__)

WHERE = "alerts.yaml"
SUBJECT = "[export_pipelines] {{kind}}: {{export}}"
BODY = "{{export}}: {{text}}\n\nWhat helps: {{then}}\n\nNoticed at {{at}} UTC."
MOST_TOLD = 10_000  # characters of each word
TIMEOUT_S = 10.0  # a sensor has a minute for everything


@dataclass(frozen=True)
class Message:
    """`key` is the same whenever the same thing is told; `text` is what and why, `then` what helps."""

    key: str
    export: str
    kind: str
    text: str
    then: str
    at: datetime

    @property
    def subject(self) -> str:
        """One line whatever the export's name, which a run's tags may give, holds: an alert has to be sent."""
        return header_text(render_text(SUBJECT, self._words))

    @property
    def body(self) -> str:
        return render_text(BODY, self._words)

    @property
    def _words(self) -> dict[str, str]:
        words = {"export": self.export, "kind": self.kind, "text": self.text, "then": self.then}
        return {name: value[:MOST_TOLD] for name, value in words.items()} | {
            "at": f"{self.at:%Y-%m-%d %H:%M:%S}"
        }

    @property
    def id(self) -> str:
        """For receivers that drop what they have: 32 hexadecimal digits."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


class Channel(Protocol):
    """tell: raises an ExportError when the message did not get there; telling twice has the same id."""

    def tell(self, message: Message) -> None: ...


def open_channel(settings: rules.Channel, resources: Resources) -> Channel:
    """The channel of one entry under `to:`. Raises SettingsError for a secret that is not there."""
    match settings:
        case rules.EmailChannel():
            return _mail(settings, resources)
        case rules.SlackChannel():
            return _Slack(webhook_client(settings, resources))
        case rules.WebhookChannel():
            return _Webhook(
                webhook_client(settings, resources), signing_key(settings.secret, resources, WHERE)
            )
    raise TypeError(f"nothing opens a channel of kind {settings.kind}")


@dataclass(frozen=True)
class _Mail:
    server: SmtpServer
    sender: Address
    to: tuple[str, ...]

    def tell(self, message: Message) -> None:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject, self.sender, ", ".join(self.to)
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message.id}@{self.sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        with connected(self.server) as client:
            hand_over(
                client,
                self.server,
                self.sender.addr_spec,
                self.to,
                encoded(mail),
                message.id,
                _Nothing(message.id),
            )
        _log_told("email", message)


@dataclass(frozen=True)
class _Slack:
    client: HttpClient

    def tell(self, message: Message) -> None:
        body = json.dumps({"text": f"*{message.subject}*\n{message.body}"}).encode()
        self.client.post(Body([body]), {"Content-Type": JSON})
        _log_told("slack", message)


@dataclass(frozen=True)
class _Webhook:
    client: HttpClient
    key: bytes | None = field(repr=False)

    def tell(self, message: Message) -> None:
        data = {"export": message.export, "text": message.text, "then": message.then}
        payload = {"type": f"export.{message.kind}", "timestamp": message.at.isoformat(), "data": data}
        body = Body([json.dumps(payload).encode()])
        headers = signed(self.key, message.id, utc_seconds(message.at), iter(body.again()))
        self.client.post(body, {"Content-Type": JSON, **headers})
        _log_told("webhook", message)


def _log_told(channel: str, message: Message) -> None:
    about = {"channel": channel, "alert": message.id, "export": message.export, "kind": message.kind}
    log.info("alert told", extra=about)


@dataclass(frozen=True)
class _Nothing:
    """A journal of nothing: an alert that came twice is better than one that never came."""

    key: str

    def state(self, item: str) -> Literal["handing", "done"] | None:
        return None

    def proof(self, item: str) -> str:
        return ""

    def handing(self, item: str) -> None:
        pass

    def done(self, item: str, proof: str = "") -> None:
        pass

    def not_taken(self, item: str) -> None:
        pass


def _mail(settings: rules.EmailChannel, resources: Resources) -> Channel:
    sender = mail_from(resources)
    if sender is None:
        raise SettingsError("nobody sends the mail", where=WHERE, remedy="set EXPORT_PIPELINES_MAIL_FROM")
    return _Mail(mail_server(settings.smtp, resources, WHERE, TIMEOUT_S), sender, settings.to)


def webhook_client(settings: rules.SlackChannel | rules.WebhookChannel, resources: Resources) -> HttpClient:
    """What posts to the channel's URL. Raises SettingsError."""
    return HttpClient(
        url=resources.secret(settings.url, f"{WHERE} url"),
        where=f"{WHERE} url",
        opened=resources.allowed.private_networks,
        ca=str(resources.path(settings.ca, f"{WHERE} ca")) if settings.ca else None,
        answer_s=TIMEOUT_S,
    )
