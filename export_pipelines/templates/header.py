"""What can stand in one line: the subject of a mail, the name of an attachment, the value of a header."""

import re
from collections.abc import Iterator

from export_pipelines.errors import RequestError

# C0 and C1 (NEL, VT, FF among them), line and paragraph separators, surrogates, and what turns the direction of text
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENCODED_WORD = re.compile(r"=\?.*\?=", re.DOTALL)


def header_faults(text: str) -> Iterator[str]:
    """One text for each reason why `text`, a template or what became of it, cannot stand in a header. None repeats it."""
    match = _NOT_IN_A_LINE.search(text)
    if match:
        yield (
            f"a header is one line, without control characters and line separators; U+{ord(match[0]):04X} is one"
        )
    if _ENCODED_WORD.search(text):
        yield "a header holds no encoded word (=?...?=); write the letters themselves, they are encoded when it is sent"


def require_header(text: str, where: str) -> str:
    """`text`, if it can stand in a header. Raises RequestError, which does not repeat it."""
    for fault in header_faults(text):
        raise RequestError(fault, where=where)
    return text


def header_text(text: str) -> str:
    """`text` as it can stand in a header, for what has to be sent whatever it holds."""
    return _NOT_IN_A_LINE.sub(" ", text).replace("=?", "= ?")
