"""Files of Facebook's Lead Ads put a prefix before what a spreadsheet would take for a number: `p:+15125550142`."""

import re

from export_pipelines.importer.parse import Parse

_OF_TYPE = {"phone": re.compile(r"p:(.*)", re.DOTALL), "postal_code": re.compile(r"z:(.*)", re.DOTALL)}
_OF_ID = re.compile(r"(?:l|ag|as|c|f):([0-9]{5,})")  # lead, ad, set, campaign, form
_ID_HEADER = re.compile(r"(?i)(?:.*[^a-z])?id|reference")


def without_prefix(type: str, header: str, parse: Parse) -> Parse:
    """`parse`, given the text without the prefix that the field's type, or a header that names an id, tells."""
    prefixed = _OF_TYPE.get(type) or (
        _OF_ID if type == "id" or _ID_HEADER.fullmatch(header.strip()) else None
    )
    if prefixed is None:
        return parse

    def bare(text: str) -> object:
        match = prefixed.fullmatch(text.strip())
        return parse(match[1].strip() if match else text)

    return bare
