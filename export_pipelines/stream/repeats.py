"""Masked values that stand once more in a text of the same row: in another case, escaped, or a number spelled in another way."""

import json
import re
from urllib.parse import unquote_plus

from export_pipelines.stream.mask_values import NOTHING, canonical

SHORTEST = 3  # characters; what is shorter is found everywhere and tells nothing
PHONE_DIGITS = 7  # fewer digits are found in every long number
NO_DIGITS = r"[^0-9]+"
BREAK = "\0"  # between texts that are searched as one; no number and no value goes over it
NO_DIGITS_OR_BREAK = bytes(set(range(256)) - set(b"\x000123456789"))
ESCAPED_IN_JSON = re.compile(r'["\\\x00-\x1f]')
NUMBER = re.compile(r"[+(]{0,2}\d(?:[\s()./-]*\d)+")
Repeats = list[tuple[str, str]]  # semantic type and value of what is masked in the same row


def repeated(text: str, watched: Repeats) -> Repeats:
    """Those of the values that the text holds, by letters without case, phones by digits, as it stands or encoded as in a
    URL; in JSON, none of its letters may be escaped."""
    forms = f"{text}{BREAK}{unquote_plus(text)}" if "%" in text or "+" in text else text
    folded = forms.casefold()
    digits = folded.encode(errors="replace").translate(None, NO_DIGITS_OR_BREAK)
    return [
        (type, value)
        for type, value in watched
        if len(value) >= SHORTEST
        and (
            value.casefold() in folded
            or (
                ESCAPED_IN_JSON.search(value)
                and json.dumps(value, ensure_ascii=False)[1:-1].casefold() in folded
            )
            or (type == "phone" and canonical("phone", value).encode(errors="replace") in digits)
        )
    ]


def scrubbed(text: str, repeats: Repeats) -> tuple[str, int]:
    """`text` with stars for each of the values, and how many were found."""
    hidden = 0
    for type, value in repeats:
        text, found = _cut(text, value)
        hidden += found
        if type == "phone":
            text, found = _cut_number(text, canonical("phone", value))
            hidden += found
    plain = unquote_plus(text) if repeats and ("%" in text or "+" in text) else text
    if (
        plain != text and scrubbed(plain, repeats)[1]
    ):  # encoded: its query is not shown, nor the rest if that holds it too
        head, mark, _ = text.partition("?")
        kept = mark and not scrubbed(unquote_plus(head), repeats)[1]
        return (f"{head}?{NOTHING}" if kept else NOTHING), hidden + 1
    return text, hidden


def _cut(text: str, value: str) -> tuple[str, int]:
    """`text` with every occurrence of `value`, in any case, replaced by stars."""
    folded, wanted = text.casefold(), value.casefold()
    if wanted not in folded:
        return text, 0
    if len(folded) != len(text):  # positions differ: nothing of such a text is shown
        return NOTHING, 1
    pieces, start, found = [], 0, 0
    while (at := folded.find(wanted, start)) >= 0:
        pieces += [text[start:at], NOTHING]
        start, found = at + len(wanted), found + 1
    return "".join([*pieces, text[start:]]), found


def _cut_number(text: str, digits: str) -> tuple[str, int]:
    """`text` with every number replaced by stars that holds these digits, whatever signs stand between them."""
    if len(digits) < PHONE_DIGITS or digits not in re.sub(NO_DIGITS, "", text):
        return text, 0
    numbers = [one.group() for one in NUMBER.finditer(text)]
    holding = [one for one in numbers if digits in re.sub(NO_DIGITS, "", one)]
    for one in holding:
        text = text.replace(one, NOTHING)
    return text, len(holding)
