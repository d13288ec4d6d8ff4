"""Reading: a text without encodings, width, case and accents, and for each letter the place it came from."""

import html
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

from export_pipelines.normal_form import normalised

DEPTH = 4  # encodings around each other that are undone

# what stands for a letter wherever it is met, and what does so within texts; in URLs, %2F is no slash
ESCAPED = re.compile(
    r"&(?:#0*[0-9]{1,7}|#[xX]0*[0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31}(?=;));?|(?:(?<!\\)\\+u[0-9A-Fa-f]{4})+"
)
ENCODED = re.compile(rf"(?:%[0-9A-Fa-f]{{2}})+|{ESCAPED.pattern}|\\[nrtbf]")
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\b": "\b", "\\f": "\f"}
LIKE = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe",
    "\ua78c": "'", **{chr(code): "'" for code in range(0x2B9, 0x2D0)},  # letters that are apostrophes
    # not shown, though Unicode says so by no category: fillers of Hangul, the stretch of Arabic, and what has no meaning yet
    **{chr(code): "" for code in (0x115F, 0x1160, 0x640, 0x2065, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000))},
}  # fmt: skip


class Reading(NamedTuple):
    """A text as it is read: `places` has for each letter where it stands in the text, and at last the text's length."""

    letters: str
    places: Sequence[int]


def read(text: str) -> Reading | None:
    """None for a text that is encoded more often than anybody would."""
    reading = Reading(text, range(len(text) + 1))
    for _ in range(DEPTH):
        decoded = _decoded(reading) if ENCODED.search(reading.letters) else reading
        if decoded.letters == reading.letters:
            return _folded(reading)
        reading = decoded
    return None if _decoded(reading).letters != reading.letters else _folded(reading)


def unescaped(text: str) -> str:
    """Without entities and escapes of JSON."""
    if "&" not in text and "\\" not in text:
        return text
    for _ in range(DEPTH):
        text = ESCAPED.sub(lambda match: _undone(match.group()), text)
    return text


def fold(text: str) -> str:
    """Without case, accents, width and signs that are not shown; digits of all scripts alike."""
    if text.isascii():
        return text.lower()
    return normalised("NFKD", text).casefold().translate(PLAIN)


class _Plain(dict[int, str]):
    """Letters beside ASCII as they are read, each looked up once."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kind = unicodedata.category(letter)
        digit = unicodedata.digit(letter, None)
        read_as = letter if digit is None else str(digit)
        self[code] = "" if kind in ("Mn", "Me", "Cf") else LIKE.get(letter, read_as)
        return self[code]


PLAIN = _Plain()


def _decoded(reading: Reading) -> Reading:
    """One encoding undone; the letters that it stands for have its place."""
    letters: list[str] = []
    places: list[int] = []
    done = 0
    for match in ENCODED.finditer(reading.letters):
        start, end = match.span()
        plain = _undone(match.group())
        letters += reading.letters[done:start], plain
        places += [*reading.places[done:start], *[reading.places[start]] * len(plain)]
        done = end
    return Reading("".join([*letters, reading.letters[done:]]), [*places, *reading.places[done:]])


def _undone(code: str) -> str:
    if code[0] == "&":
        return html.unescape(code)
    if code[0] == "%":
        return unquote(code)
    units = "".join(chr(int(unit, 16)) for unit in re.findall("u([0-9A-Fa-f]{4})", code))
    return ESCAPES.get(code) or units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _folded(reading: Reading) -> Reading:
    if reading.letters.isascii():
        return Reading(reading.letters.lower(), reading.places)
    plain = [letter.lower() if letter.isascii() else fold(letter) for letter in reading.letters]
    places = [place for letters, place in zip(plain, reading.places, strict=False) for _ in letters]
    return Reading("".join(plain), [*places, reading.places[-1]])
