"""`email:` the files as attachments, or a mail that says where they are."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from export_pipelines.definition.destinations.address import MailAddress
from export_pipelines.definition.destinations.encryption import Encryption
from export_pipelines.definition.destinations.link import LinkSettings
from export_pipelines.definition.destinations.named import Named
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.settings import DestinationSettings, Seconds
from export_pipelines.definition.words import ByteSize, fault, listed
from export_pipelines.templates import (
    BODY_WORDS,
    MAIL_WORDS,
    MAX_TEXT,
    header_faults,
    template_faults,
    words_in,
)

SUBJECT = "{{export}} {{key}}: {{rows}} rows"
BODY = "{{export}}, from {{start}} until {{end}} (UTC). Rows: {{rows}}. Files: {{parts}}.\n\n{{files}}\n"


def _text(value: str) -> str:
    for text in template_faults(value, BODY_WORDS, MAX_TEXT):
        raise fault(text)
    return value


def _line(value: str) -> str:
    if not value.strip():
        raise fault("a subject is expected, not an empty text")
    for text in (*header_faults(value), *template_faults(value, MAIL_WORDS)):
        raise fault(text)
    return value


def _shape(value: Any) -> str:
    return "(mapping)" if isinstance(value, (dict, Encryption)) else "(list)"


Addresses = Annotated[
    tuple[MailAddress, ...], BeforeValidator(listed, json_schema_input_type=str | list[str])
]
Encrypt = Annotated[
    Annotated[tuple[str, ...], Tag("(list)")] | Annotated[Encryption, Tag("(mapping)")], Discriminator(_shape)
]


class EmailSettings(DestinationSettings):
    """One mail to all of `to` and `cc`, or several when the files exceed `max_size`, which counts the mail as it is sent.

    `smtp` holds a URL, `smtp://user:password@host:587` for STARTTLS, `smtps://` for TLS from the start; without it,
    EXPORT_PIPELINES_SMTP_URL. `send`: the `files`, or a `link` to them. `over_limit`: `split` over several mails, `link`, or
    `fail`. A mail with a link, also with `{{link}}` in its body, is one for each recipient. `encrypt` lists certificates (PEM, RSA) of the recipients, for S/MIME, or encrypts the files as every kind does. `resend_when_uncertain`: whether a mail of which nobody
    knows if it was taken is sent once more, under the same Message-ID.
    """

    kind: ClassVar[str] = "email"
    EXAMPLE: ClassVar[str] = 'email: {to: [billing@example.com], subject: "Leads of {{date}}"}'
    later: ClassVar[frozenset[str]] = frozenset({"send", "link"})
    words: ClassVar[frozenset[str]] = MAIL_WORDS

    to: Annotated[Addresses, Field(min_length=1)]
    cc: Addresses = ()
    sender: Annotated[MailAddress | None, Field(alias="from")] = None
    subject: Annotated[str, AfterValidator(_line)] = SUBJECT
    body: Annotated[str, AfterValidator(_text)] = BODY
    smtp: Secret | None = None
    send: Literal["files", "link"] = "files"
    link: LinkSettings = LinkSettings()
    max_size: ByteSize = 20_000_000
    over_limit: Literal["split", "link", "fail"] = "split"
    encrypt: Encrypt = ()
    manifest: bool = True
    resend_when_uncertain: bool = False
    timeout_s: Seconds = 60

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.file_encryption is not None and self.gives_downloads:
            raise fault(
                "a link leads to the files as they are: encrypt goes with `send: files`, `over_limit: split` or `fail`, and a "
                "body without {{link}}"
            )
        return self

    @property
    def body_has_link(self) -> bool:
        return "link" in words_in(self.body)

    @property
    def gives_downloads(self) -> bool:
        return self.body_has_link or "link" in (self.send, self.over_limit)

    @property
    def file_encryption(self) -> Encryption | None:
        return self.encrypt if isinstance(self.encrypt, Encryption) else None

    @property
    def certificates(self) -> tuple[str, ...]:
        """Files of the recipients' certificates, for S/MIME."""
        return () if isinstance(self.encrypt, Encryption) else self.encrypt

    def server(self) -> str:
        return ",".join(sorted((*self.to, *self.cc)))

    def reaches(self) -> tuple[str, ...]:
        return (*self.to, *self.cc)

    def named(self) -> Iterator[Named]:
        yield from super().named()
        yield from (Named(("encrypt",), "files", path) for path in self.certificates)
        if self.file_encryption is not None:
            yield from self.file_encryption.named()
        for key, addresses in (("to", self.to), ("cc", self.cc), ("from", (self.sender,))):
            for address in filter(None, addresses):
                yield Named((key,), "mail_domains", address.rpartition("@")[2])
