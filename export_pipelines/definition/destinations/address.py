"""An e-mail address as people write it under `to:`."""

from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Annotated

from pydantic import AfterValidator

from export_pipelines.definition.words import fault
from export_pipelines.templates import header_faults

EXPECTED = "an e-mail address is expected, such as operations@example.com"


def read_address(value: str) -> str:
    """The address, if it is one in ASCII. Raises a fault."""
    for text in header_faults(value):
        raise fault(text)
    try:
        parsed = Address(addr_spec=value)
    except (HeaderParseError, ValueError, IndexError):
        raise fault(EXPECTED) from None
    if not value.isascii():
        raise fault("an e-mail address in ASCII is expected; write the domain as xn--...")
    if not parsed.username or not parsed.domain or parsed.addr_spec != value:
        raise fault(EXPECTED)
    return value


MailAddress = Annotated[str, AfterValidator(read_address)]
