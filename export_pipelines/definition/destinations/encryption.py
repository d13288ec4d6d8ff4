"""`encrypt:` of a destination: files that only their recipients can open, by OpenPGP or age."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from export_pipelines.definition.destinations.named import Named
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.settings import DestinationSettings
from export_pipelines.definition.words import fault, listed, unless

Method = Literal["pgp", "age"]
SUFFIXES: dict[Method, str] = {"pgp": ".gpg", "age": ".age"}
AGE_KEY = re.compile(r"age1[ac-hj-np-z02-9]{58}")
SSH_KINDS = ("ssh-ed25519", "ssh-rsa")
PRIVATE = ("AGE-SECRET-KEY-", "PRIVATE KEY")


def _recipient(value: str) -> str:
    """An age recipient as the library reads it: an SSH key without its comment. What was written is never repeated,
    since it may be a private key."""
    if any(mark in value.upper() for mark in PRIVATE):
        raise fault(
            "that is a private key, which opens what is encrypted: name the public key of the recipient (age1...), "
            "and have the private key replaced, since it was in this file"
        )
    words = value.split()
    if len(words) == 1 and AGE_KEY.fullmatch(words[0]):
        return words[0]
    if len(words) > 1 and words[0] in SSH_KINDS and _is_base64(words[1]):
        return " ".join(words[:2])
    raise fault(
        "a recipient of age is expected: age1... with 62 characters (plugins are not supported), or an SSH key, "
        f"{' or '.join(SSH_KINDS)} AAAA..."
    )


def _file(value: str) -> str:
    if "\n" in value or "-----" in value:
        raise fault("the name of a file is expected, not a key itself")
    return value


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False


KeyFile = Annotated[str, AfterValidator(_file)]
Files = Annotated[tuple[KeyFile, ...], BeforeValidator(listed, json_schema_input_type=str | list[str])]
Recipients = Annotated[
    tuple[Annotated[str, AfterValidator(_recipient)], ...],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
]


class Encryption(BaseModel):
    """Who may open the files: `pgp` names the file of each recipient's OpenPGP key, `age` the recipients themselves.

    `sign` names the file of our own OpenPGP private key, `passphrase` what opens that one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pgp: Files = unless(())
    age: Recipients = unless(())
    sign: KeyFile | None = unless(None)
    passphrase: Secret | None = unless(None)

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if bool(self.pgp) == bool(self.age):
            raise fault("one of pgp and age is expected: {pgp: partner.asc} or {age: age1...}")
        if self.sign is not None and not self.pgp:
            raise fault("sign goes with pgp: age has no signatures")
        if self.passphrase is not None and self.sign is None:
            raise fault("passphrase opens the key that `sign` names, and there is no `sign`")
        recipients = self.pgp or self.age
        if len(set(recipients)) < len(recipients):
            raise fault("a recipient is named twice")
        return self

    @property
    def method(self) -> Method:
        return "pgp" if self.pgp else "age"

    def named(self) -> Iterator[Named]:
        """The files that the operator's allowed.yaml has a say in; the passphrase is found as every secret is."""
        yield from (Named(("encrypt", "pgp"), "files", path) for path in self.pgp)
        if self.sign is not None:
            yield Named(("encrypt", "sign"), "files", self.sign)


class EncryptedSettings(DestinationSettings):
    """Settings of a kind whose files can be encrypted to their recipients."""

    encrypt: Encryption | None = unless(None)

    @property
    def file_encryption(self) -> Encryption | None:
        return self.encrypt

    def named(self) -> Iterator[Named]:
        yield from super().named()
        if self.encrypt is not None:
            yield from self.encrypt.named()
