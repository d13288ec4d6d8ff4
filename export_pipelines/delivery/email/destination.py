"""Delivers an artifact by mail: attached, spread over several mails, or as a link."""

import logging
import re
import smtplib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from functools import partial
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import EmailSettings
from export_pipelines.definition.destinations.address import read_address
from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import LIMIT, Capabilities, Journal
from export_pipelines.delivery.email.message import WHERE, Envelope, MailWriter, writable
from export_pipelines.delivery.email.pieces import Piece, packed, room
from export_pipelines.delivery.email.smtp import (
    SmtpServer,
    announced_limit,
    connected,
    encoded,
    hand_over,
    is_answering,
    require_recipients,
    smtp_server,
)
from export_pipelines.delivery.link import DeliveredLink, require_public_url
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import RequestError, RetryableError, SettingsError, Uncertain
from export_pipelines.templates import require_header

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAIL_FROM = "EXPORT_PIPELINES_MAIL_FROM"
NAMED = re.compile(r"(.*?)\s*<([^<>]*)>\s*")
FEWEST_BYTES = 100_000  # of a mail
LINK_BYTES = 200  # of a link, at most
log = logging.getLogger(__name__)


def open_from(settings: EmailSettings, resources: Resources) -> "Email":
    """The server is that of `smtp`, else of EXPORT_PIPELINES_SMTP_URL."""
    server = mail_server(settings.smtp, resources, WHERE, settings.timeout_s)
    if settings.smtp is not None:
        resources.require("hosts", server.host, f"{WHERE}.smtp")
    sender = Address(addr_spec=settings.sender) if settings.sender else mail_from(resources)
    if sender is None:
        raise SettingsError(
            "nobody sends the mail", where=WHERE, remedy="set `from`, or EXPORT_PIPELINES_MAIL_FROM"
        )
    if settings.gives_downloads:
        setting = "body" if settings.body_has_link else "send" if settings.send == "link" else "over_limit"
        require_public_url(resources.settings, f"{WHERE}.{setting}", "send the files without a link")
    encrypt_for = _certificates(settings, resources) if settings.certificates else []
    return Email(settings, server, sender, encrypt_for, resources)


def _certificates(settings: EmailSettings, resources: Resources) -> "list[Certificate]":
    from export_pipelines.delivery.email.smime import certificates  # with cryptography

    return [
        certificate
        for path in settings.certificates
        for certificate in certificates(resources.file(path, WHERE), f"{WHERE}.encrypt {path}")
    ]


def mail_from(resources: Resources) -> Address | None:
    """The sender of all mail that names none: an address, or `Name <address>`, whatever stands in the name. Raises
    RequestError for any other."""
    text = resources.settings.mail_from
    if text is None:
        return None
    require_header(text, MAIL_FROM)
    named = NAMED.fullmatch(text)
    name, address = (named[1], named[2]) if named else ("", text.strip())
    try:
        return Address(name.strip(' "'), addr_spec=read_address(address))
    except PydanticCustomError as error:
        raise RequestError(
            f"no sender: {error.message()}", where=MAIL_FROM, remedy="write Exports <exports@example.com>"
        ) from None


def mail_server(smtp: SecretName | None, resources: Resources, where: str, timeout_s: float) -> SmtpServer:
    """The server whose URL `smtp` names, or the one for all mail. Raises SettingsError."""
    if smtp is not None:
        return smtp_server(resources.secret(smtp, f"{where}.smtp"), f"{where}.smtp", timeout_s)
    url = resources.settings.smtp_url
    if url is None:
        raise SettingsError(
            "no mail server is named",
            where=where,
            remedy="set EXPORT_PIPELINES_SMTP_URL=smtp://user:password@host:587",
        )
    return smtp_server(url.get_secret_value(), "EXPORT_PIPELINES_SMTP_URL", timeout_s)


class Email:
    """One delivery is one mail, or `n` with `(1/n)` in the subject; Message-IDs are the same in every attempt."""

    kind = "email"

    def __init__(
        self,
        settings: EmailSettings,
        server: SmtpServer,
        sender: Address,
        encrypt_for: "Sequence[Certificate]",
        resources: Resources,
    ) -> None:
        self.settings, self.server, self.sender = settings, server, sender
        self.encrypt_for, self.link_to, self.sessions = encrypt_for, resources.link_to, resources.sessions
        self.recipients = tuple(dict.fromkeys((*settings.to, *settings.cc)))
        self.capabilities = Capabilities(  # mail programs hold back .py and the like
            max_bytes=None if settings.over_limit != "fail" else settings.max_size,
            scripts=settings.send == "link",
        )

    @property
    def writer(self) -> MailWriter:
        return MailWriter(self.settings, self.sender, self.encrypt_for)

    def target(self, manifest: Manifest) -> str:
        return ", ".join(self.recipients)

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        return manifest.part_names

    def check(self) -> None:
        """Connects, authenticates, and asks the server whether it takes mail for each recipient; sends none."""
        self._require_valid(datetime.now(UTC))
        if self.settings.max_size < FEWEST_BYTES:
            raise RequestError(
                f"a mail of {self.settings.max_size} bytes holds no files",
                where=f"{WHERE}.max_size",
                remedy=f"at least {FEWEST_BYTES}",
            )
        with connected(self.server) as client:
            require_recipients(client, self.server, self.sender.addr_spec, self.recipients)

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        self._require_valid(artifact.at)
        with self.sessions.session(self.server, partial(connected, self.server), is_answering) as client:
            limit = self._limit(announced_limit(client), journal)
            mails, message_ids = self._mails(artifact, limit), list[str]()
            self._require_certain(len(mails), journal)
            for number, pieces in enumerate(mails, start=1):
                message_ids += self._hand_over(client, artifact, journal, limit, pieces, (number, len(mails)))
        log.debug("mails handed over", extra={"artifact": artifact.manifest.artifact, "mails": len(mails)})
        names = [piece.name for pieces in mails for piece in pieces]
        files = [*names, *([artifact.manifest_name] if self.settings.manifest else [])]
        details = {
            "mails": str(len(mails)),
            "message_ids": " ".join(message_ids),
            "as": "attachments" if names else "link",
        }
        return receipt_of(artifact, self.kind, self.target(artifact.manifest), files, details)

    def _hand_over(
        self,
        client: smtplib.SMTP,
        artifact: Artifact,
        journal: Journal,
        limit: int,
        pieces: Sequence[Piece],
        place: tuple[int, int],
    ) -> list[str]:
        """Sends one mail, or one to each recipient, and gives the Message-IDs. Who is refused keeps it from nobody else."""
        message_ids, refusals = list[str](), list[RequestError | RetryableError]()
        for envelope in self._envelopes(artifact, journal.key, pieces):
            with writable(artifact.manifest.artifact):
                message = self.writer.message(artifact, journal.key, pieces, *place, envelope)
                mail = encoded(message)
            if len(mail) > limit:
                raise self._too_large(artifact.manifest, limit)
            message_ids.append(self.writer.message_id(journal.key, f"{place[0]}{envelope.suffix}"))
            try:
                sender, to = self.sender.addr_spec, envelope.recipients
                hand_over(client, self.server, sender, to, mail, _item(*place), journal)
            except (RequestError, RetryableError) as error:
                refusals.append(error)
        if refusals:
            raise min(refusals, key=lambda refusal: refusal.retryable)
        return message_ids

    def _limit(self, announced: int | None, journal: Journal) -> int:
        """The same in every attempt, so that the mails are cut in the same way."""
        if journal.state(LIMIT) == "done":
            return int(journal.proof(LIMIT))
        limit = min(self.settings.max_size, announced or self.settings.max_size)
        journal.done(LIMIT, str(limit))
        return limit

    def _mails(self, artifact: Artifact, limit: int) -> list[list[Piece]]:
        """The pieces of each mail; one mail without any says where the files are."""
        parts = artifact.files
        if self.settings.send == "link":
            for part in parts:
                artifact.prove(part)
            return [[]]
        row = [Piece(part, 0, part.bytes, part.name) for part in parts]
        if sum(part.bytes for part in parts) < limit and len(self._message_of(artifact, row)) <= limit:
            return [row]
        if self.settings.over_limit == "fail":
            raise self._too_large(artifact.manifest, limit)
        for part in parts:
            artifact.prove(part)
        if self.settings.over_limit == "link":
            return [[]]
        manifest = len(artifact.manifest.to_json()) if self.settings.manifest else 0
        most = room(limit - 2 * manifest, layers=2 if self.encrypt_for else 1)
        if most < 1:
            raise self._too_large(artifact.manifest, limit)
        return packed(parts, most)

    def _message_of(self, artifact: Artifact, pieces: Sequence[Piece]) -> bytes:
        """As long as the mail that will be sent; its link is made when that is certain."""
        link = (
            DeliveredLink(f"https://{'x' * LINK_BYTES}", artifact.at) if self.settings.body_has_link else None
        )
        return encoded(self.writer.message(artifact, "0" * 32, pieces, 1, 1, Envelope(self.recipients, link)))

    def _envelopes(self, artifact: Artifact, key: str, pieces: Sequence[Piece]) -> Iterator[Envelope]:
        """One for all recipients; of a mail with a link, one for each."""
        if pieces and not self.settings.body_has_link:
            yield Envelope(self.recipients)
            return
        assert self.link_to is not None
        for number, recipient in enumerate(self.recipients, start=1):
            link = self.link_to(artifact.manifest, key, recipient, self.settings.link)
            yield Envelope((recipient,), link, f".{number}")

    def _require_certain(self, count: int, journal: Journal) -> None:
        """Raises Uncertain for a mail that a killed attempt may have handed over."""
        items = (f"{_item(n, count)} {to}" for n in range(1, count + 1) for to in self.recipients)
        if not self.settings.resend_when_uncertain and any(
            journal.state(item) == "handing" for item in items
        ):
            raise Uncertain(
                "an attempt was killed while it handed the mail over; the recipient may have it",
                where=WHERE,
                remedy="ask the recipient; if it is not there: export-pipelines deliver ARTIFACT --again",
            )

    def _require_valid(self, at: datetime) -> None:
        if self.encrypt_for:
            from export_pipelines.delivery.email.smime import require_valid

            require_valid(self.encrypt_for, at, f"{WHERE}.encrypt")

    def _too_large(self, manifest: Manifest, limit: int) -> RequestError:
        return RequestError(
            f"{manifest.bytes:,} bytes of files make a mail of more than {limit:,} bytes",
            where=f"{WHERE}.max_size",
            remedy="say `over_limit: split` or `link`, compress, or split the export into smaller parts",
        )


def _item(number: int, count: int) -> str:
    return f"mail {number}/{count}"
