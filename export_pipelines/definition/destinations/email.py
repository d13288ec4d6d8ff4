"""`email:` the files as attachments, or a mail that says where they are."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from export_pipelines.definition.destinations.address import MailAddress
from export_pipelines.definition.destinations.named import Named
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.settings import DestinationSettings, Seconds
from export_pipelines.definition.words import ByteSize, fault
from export_pipelines.templates import MAIL_WORDS, MAX_TEXT, header_faults, template_faults

SUBJECT = "{{export}} {{key}}: {{rows}} rows"
BODY = "{{export}}, from {{start}} until {{end}} (UTC). Rows: {{rows}}. Files: {{parts}}.\n\n{{files}}\n"


def _text(value: str) -> str:
    for text in template_faults(value, MAIL_WORDS, MAX_TEXT):
        raise fault(text)
    return value


def _line(value: str) -> str:
    if not value.strip():
        raise fault("a subject is expected, not an empty text")
    for text in (*header_faults(value), *template_faults(value, MAIL_WORDS)):
        raise fault(text)
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Addresses = Annotated[
    tuple[MailAddress, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])
]


class EmailSettings(DestinationSettings):
    """One mail to all of `to` and `cc`, or several when the files exceed `max_size`, which counts the mail as it is sent.

    `smtp` holds a URL, `smtp://user:password@host:587` for STARTTLS, `smtps://` for TLS from the start; without it,
    EXPORT_PIPELINES_SMTP_URL. `over_limit`: `split` over several mails, `link` to a download, or `fail`. `encrypt`
    names certificates (PEM, RSA) of the recipients, for S/MIME. `resend_when_uncertain`: whether a mail of which nobody
    knows if it was taken is sent once more, under the same Message-ID.
    """

    kind: ClassVar[str] = "email"
    words: ClassVar[frozenset[str]] = MAIL_WORDS

    to: Annotated[Addresses, Field(min_length=1)]
    cc: Addresses = ()
    sender: Annotated[MailAddress | None, Field(alias="from")] = None
    subject: Annotated[str, AfterValidator(_line)] = SUBJECT
    body: Annotated[str, AfterValidator(_text)] = BODY
    smtp: Secret | None = None
    max_size: ByteSize = 20_000_000
    over_limit: Literal["split", "link", "fail"] = "split"
    encrypt: tuple[str, ...] = ()
    manifest: bool = True
    resend_when_uncertain: bool = False
    timeout_s: Seconds = 60

    def server(self) -> str:
        return ",".join(sorted((*self.to, *self.cc)))

    def reaches(self) -> tuple[str, ...]:
        return (*self.to, *self.cc)

    def named(self) -> Iterator[Named]:
        yield from super().named()
        yield from (Named(("encrypt",), "files", path) for path in self.encrypt)
        for key, addresses in (("to", self.to), ("cc", self.cc), ("from", (self.sender,))):
            for address in filter(None, addresses):
                yield Named((key,), "mail_domains", address.rpartition("@")[2])
