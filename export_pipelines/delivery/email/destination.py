"""Delivers an artifact by mail: attached, spread over several mails, or as a link."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from cryptography.x509 import Certificate
from pydantic_core import PydanticCustomError

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import EmailSettings
from export_pipelines.definition.destinations.address import read_address
from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.delivery.artifact import BLOCK_BYTES, Artifact
from export_pipelines.delivery.destination import Capabilities, Journal
from export_pipelines.delivery.email.pieces import Piece, packed, room
from export_pipelines.delivery.email.smime import certificates, require_valid, sealed
from export_pipelines.delivery.email.smtp import (
    SmtpServer,
    announced_limit,
    connected,
    encoded,
    hand_over,
    require_recipients,
    smtp_server,
)
from export_pipelines.delivery.places import words_of
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import RequestError, SettingsError, Uncertain
from export_pipelines.templates import render_header, render_text, require_header

WHERE, MAIL_FROM = "deliver.email", "EXPORT_PIPELINES_MAIL_FROM"
NAMED = re.compile(r"(.*?)\s*<([^<>]*)>\s*")
FEWEST_BYTES = 100_000  # of a mail
LISTED = 100  # files named in a mail
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
    if settings.over_limit == "link" and resources.settings.public_url is None:
        raise SettingsError(
            "there is nothing to link to",
            where=f"{WHERE}.over_limit",
            remedy="set EXPORT_PIPELINES_PUBLIC_URL, or say `over_limit: split`",
        )
    recipients = [
        certificate
        for path in settings.certificates
        for certificate in certificates(resources.file(path, WHERE), f"{WHERE}.encrypt {path}")
    ]
    return Email(settings, server, sender, recipients, resources.settings.public_url)


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
        encrypt_for: Sequence[Certificate],
        public_url: str | None,
    ) -> None:
        self.settings, self.server, self.sender = settings, server, sender
        self.encrypt_for, self.public_url = encrypt_for, public_url
        self.recipients = tuple(dict.fromkeys((*settings.to, *settings.cc)))
        self.capabilities = Capabilities(
            max_bytes=None if settings.over_limit != "fail" else settings.max_size
        )

    def target(self, manifest: Manifest) -> str:
        return ", ".join(self.recipients)

    def check(self) -> None:
        """Connects, authenticates, and asks the server whether it takes mail for each recipient; sends none."""
        require_valid(self.encrypt_for, datetime.now(UTC), f"{WHERE}.encrypt")
        if self.settings.max_size < FEWEST_BYTES:
            raise RequestError(
                f"a mail of {self.settings.max_size} bytes holds no files",
                where=f"{WHERE}.max_size",
                remedy=f"at least {FEWEST_BYTES}",
            )
        with connected(self.server) as client:
            require_recipients(client, self.server, self.sender.addr_spec, self.recipients)

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        require_valid(self.encrypt_for, artifact.at, f"{WHERE}.encrypt")
        with connected(self.server) as client:
            limit = self._limit(announced_limit(client), journal)
            mails = self._mails(artifact, limit)
            self._require_certain(len(mails), journal)
            for number, pieces in enumerate(mails, start=1):
                with _writable(artifact.manifest.artifact):
                    mail = encoded(self._message(artifact, journal.key, pieces, number, len(mails)))
                if len(mail) > limit:
                    raise self._too_large(artifact.manifest, limit)
                item = _item(number, len(mails))
                hand_over(client, self.server, self.sender.addr_spec, self.recipients, mail, item, journal)
        log.debug("mails handed over", extra={"artifact": artifact.manifest.artifact, "mails": len(mails)})
        names = [piece.name for pieces in mails for piece in pieces]
        files = [*names, *([artifact.manifest_name] if self.settings.manifest else [])]
        details = {
            "mails": str(len(mails)),
            "message_ids": " ".join(self._message_id(journal.key, n) for n in range(1, len(mails) + 1)),
            "as": "attachments" if names else "link",
        }
        return receipt_of(artifact, self.kind, self.target(artifact.manifest), files, details)

    def _limit(self, announced: int | None, journal: Journal) -> int:
        """The same in every attempt, so that the mails are cut in the same way."""
        if journal.state("limit") == "done":
            return int(journal.proof("limit"))
        limit = min(self.settings.max_size, announced or self.settings.max_size)
        journal.done("limit", str(limit))
        return limit

    def _mails(self, artifact: Artifact, limit: int) -> list[list[Piece]]:
        """The pieces of each mail; one mail without any says where the files are."""
        parts = artifact.manifest.parts
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
        return encoded(self._message(artifact, "0" * 32, pieces, 1, 1))

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

    def _message(
        self, artifact: Artifact, key: str, pieces: Sequence[Piece], number: int, count: int
    ) -> EmailMessage:
        with _writable(artifact.manifest.artifact):
            message, words = EmailMessage(), self._words(artifact.manifest, pieces)
            subject = render_header(self.settings.subject, words, f"{WHERE}.subject")
            message["Subject"] = f"{subject} ({number}/{count})" if count > 1 else subject
            message["From"] = self.sender
            message["To"] = ", ".join(self.settings.to)
            if self.settings.cc:
                message["Cc"] = ", ".join(self.settings.cc)
            message["Date"] = format_datetime(artifact.at.astimezone(UTC))
            message["Message-ID"] = self._message_id(key, number)
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(
                render_text(self.settings.body, words) + self._notes(artifact.manifest, pieces)
            )
            for piece in pieces:
                maintype, _, subtype = _media_type(artifact, piece).partition("/")
                name = require_header(piece.name, artifact.manifest.artifact)
                message.add_attachment(
                    _bytes(artifact, piece), maintype=maintype, subtype=subtype, filename=name
                )
            if self.settings.manifest and number == count:
                message.add_attachment(
                    artifact.manifest.to_json(),
                    maintype="application",
                    subtype="json",
                    filename=artifact.manifest_name,
                )
            return sealed(message, self.encrypt_for) if self.encrypt_for else message

    def _words(self, manifest: Manifest, pieces: Sequence[Piece]) -> dict[str, str]:
        listed = [
            f"{part.name}  {part.rows:,} rows  {part.bytes:,} bytes  SHA-256 {part.sha256}"
            for part in manifest.parts
        ]
        more = [f"... and {len(listed) - LISTED} more"] if len(listed) > LISTED else []
        return {
            **words_of(manifest),
            "rows": str(manifest.rows),
            "parts": str(len(manifest.parts)),
            "bytes": str(manifest.bytes),
            "files": "\n".join([*listed[:LISTED], *more]),
        }

    def _notes(self, manifest: Manifest, pieces: Sequence[Piece]) -> str:
        if not pieces:
            return f"\nThe files are too large for a mail. They are here:\n{self.public_url}/artifacts/{manifest.artifact}\n"
        cut = sorted({piece.part.name for piece in pieces if not piece.whole})
        return "".join(
            f"\n{name} comes in pieces; put them together with:  cat {name}.* > {name}\n" for name in cut
        )

    def _message_id(self, key: str, number: int) -> str:
        return f"<{key}.{number}@{self.sender.domain}>"

    def _too_large(self, manifest: Manifest, limit: int) -> RequestError:
        return RequestError(
            f"{manifest.bytes:,} bytes of files make a mail of more than {limit:,} bytes",
            where=f"{WHERE}.max_size",
            remedy="say `over_limit: split` or `link`, compress, or split the export into smaller parts",
        )


@contextmanager
def _writable(where: str) -> Iterator[None]:
    """Raises RequestError for letters that no mail can hold (half a pair of UTF-16): a later attempt would meet them too."""
    try:
        yield
    except (UnicodeError, MessageError):
        raise RequestError(
            "the mail cannot be written: its subject, body or a name holds letters that are not text",
            where=where,
            remedy=f"see `subject` and `body` of {WHERE}, and `naming`",
        ) from None


def _item(number: int, count: int) -> str:
    return f"mail {number}/{count}"


def _media_type(artifact: Artifact, piece: Piece) -> str:
    return artifact.media_type if piece.whole else "application/octet-stream"


def _bytes(artifact: Artifact, piece: Piece) -> bytes:
    """A whole part proves itself; pieces were proved together before the first was sent."""
    with artifact.open(piece.part) as file:
        left = piece.start
        while left:
            left -= len(file.read(min(left, BLOCK_BYTES)))
        return file.read(-1 if piece.whole else piece.end - piece.start)
