"""One mail as text: its headers, its words, its attachments, and the links that it carries."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from export_pipelines.definition.destinations import EmailSettings
from export_pipelines.delivery.artifact import BLOCK_BYTES, Artifact
from export_pipelines.delivery.email.pieces import Piece
from export_pipelines.delivery.link import DeliveredLink
from export_pipelines.delivery.places import words_of
from export_pipelines.delivery.recipes import TEXT_SUFFIX
from export_pipelines.errors import RequestError
from export_pipelines.templates import render_header, render_text, require_header

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

WHERE = "deliver.email"
LISTED = 100  # files named in a mail


@dataclass(frozen=True)
class Envelope:
    """To whom one mail goes, with which link; `suffix` tells its Message-ID from that of the same mail to others."""

    recipients: tuple[str, ...]
    link: DeliveredLink | None = None
    suffix: str = ""

    def text(self, artifact: Artifact) -> str:
        """The URL of each file, one a line, or of all where there are many; empty without a link."""
        if self.link is None:
            return ""
        if len(artifact.files) > LISTED:
            return self.link.url
        recipes = (file.name.removesuffix(TEXT_SUFFIX) for file in artifact.manifest.recipe_files)
        return "\n".join(self.link.files((*artifact.manifest.part_names, *recipes)))


@dataclass(frozen=True)
class MailWriter:
    """Writes the mails of one entry of `deliver:`; `encrypt_for` are the recipients' certificates."""

    settings: EmailSettings
    sender: Address
    encrypt_for: "Sequence[Certificate]"

    def message(
        self,
        artifact: Artifact,
        key: str,
        pieces: Sequence[Piece],
        number: int,
        count: int,
        envelope: Envelope,
    ) -> EmailMessage:
        with writable(artifact.manifest.artifact):
            message, words = EmailMessage(), self._words(artifact)
            link = envelope.text(artifact)
            subject = render_header(self.settings.subject, words, f"{WHERE}.subject")
            message["Subject"] = f"{subject} ({number}/{count})" if count > 1 else subject
            message["From"] = self.sender
            message["To"] = ", ".join(self.settings.to if not link else envelope.recipients)
            if self.settings.cc and not link:
                message["Cc"] = ", ".join(self.settings.cc)
            message["Date"] = format_datetime(artifact.at.astimezone(UTC))
            message["Message-ID"] = self.message_id(key, f"{number}{envelope.suffix}")
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(
                render_text(self.settings.body, {**words, "link": link}) + self._notes(pieces, envelope, link)
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
        if not self.encrypt_for:
            return message
        from export_pipelines.delivery.email.smime import sealed  # with cryptography

        return sealed(message, self.encrypt_for)

    def _words(self, artifact: Artifact) -> dict[str, str]:
        manifest = artifact.manifest
        listed = [
            f"{part.name}  {part.rows:,} rows  {part.bytes:,} bytes  SHA-256 {part.sha256}"
            for part in manifest.parts
        ]
        listed += [
            f"{file.name}  {file.bytes:,} bytes  SHA-256 {file.sha256}" for file in manifest.recipe_files
        ]
        more = [f"... and {len(listed) - LISTED} more"] if len(listed) > LISTED else []
        return {
            **words_of(manifest),
            "rows": str(manifest.rows),
            "parts": str(len(manifest.parts)),
            "bytes": str(manifest.bytes),
            "files": "\n".join([*listed[:LISTED], *more]),
        }

    def _notes(self, pieces: Sequence[Piece], envelope: Envelope, link: str) -> str:
        if envelope.link and not self.settings.body_has_link:
            until = envelope.link.expires_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
            return f"\nThe files are here until {until}:\n{link}\n"
        cut = sorted({piece.part.name for piece in pieces if not piece.whole})
        return "".join(
            f"\n{name} comes in pieces; put them together with:  cat {name}.* > {name}\n" for name in cut
        )

    def message_id(self, key: str, number: str) -> str:
        return f"<{key}.{number}@{self.sender.domain}>"


@contextmanager
def writable(where: str) -> Iterator[None]:
    """Raises RequestError for letters that no mail can hold (half a pair of UTF-16): a later attempt would meet them too."""
    try:
        yield
    except (UnicodeError, MessageError):
        raise RequestError(
            "the mail cannot be written: its subject, body or a name holds letters that are not text",
            where=where,
            remedy=f"see `subject` and `body` of {WHERE}, and `naming`",
        ) from None


def _media_type(artifact: Artifact, piece: Piece) -> str:
    return artifact.media_type_of(piece.part) if piece.whole else "application/octet-stream"


def _bytes(artifact: Artifact, piece: Piece) -> bytes:
    """A whole part proves itself; pieces were proved together before the first was sent."""
    with artifact.open(piece.part) as file:
        left = piece.start
        while left:
            left -= len(file.read(min(left, BLOCK_BYTES)))
        return file.read(-1 if piece.whole else piece.end - piece.start)
