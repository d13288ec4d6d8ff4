"""One spelling of texts that mean the same: case, accents, dashes, blanks, wide letters; encodings undone; digits of numbers."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

BREAK = "\0"  # between texts that are searched as one; no number and no value goes over it
DEPTH = 4  # encodings around a text that are undone
NUMBER_DIGITS = 7  # fewer digits are found in every long number
NUMBERED = frozenset({"phone", "ssn"})  # types whose values are told by their digits
WITHIN_NUMBER = b" \t\n\v\f\r()./-"
APOSTROPHES, QUOTES = "\u02b9\u02bb\u02bc\u2018\u2019\u201a\u201b\u2032", "\u201c\u201d\u201e\u201f\u2033"
# Signs that are spelled in ASCII too, or not at all: by their class, and ranges that hold all others
ODD = (
    r"[[\p{Cf}\p{Pd}\p{Nd}\p{Zs}\x{85}\x{a8}-\x{aa}\x{af}-\x{b4}\x{b8}-\x{be}\x{df}\x{130}-\x{133}\x{13f}-\x{140}\x{149}"
    r"\x{17f}\x{1c4}-\x{1cc}\x{1f1}-\x{1f3}\x{2b0}-\x{308}\x{374}-\x{385}\x{1d2c}-\x{1dbb}\x{1e9a}-\x{1e9e}\x{1fbd}-\x{20a8}"
    r"\x{2100}-\x{2189}\x{2460}-\x{24ea}\x{2a74}-\x{2a76}\x{2c7c}-\x{2c7d}\x{309b}-\x{309c}\x{3200}-\x{33ff}\x{a7f2}-\x{a7f4}"
    r"\x{fb00}-\x{fb29}\x{fc5e}-\x{fc63}\x{fdfa}\x{fdfb}\x{fe10}-\x{fe19}\x{fe30}-\x{fe7e}\x{feff}-\x{ffe3}\x{107a5}"
    r"\x{1d400}-\x{1d6a3}\x{1f100}-\x{1f190}]--[\x00-\x7f]]"
)

_BESIDE_ASCII = re.compile(r"[^\x00-\x7f]+")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_NO_DIGITS = re.compile("[^0-9]+")
_EXTENSION = re.compile(r"(?<=[0-9])\s*(?:x|ext|#|;|,).*", re.DOTALL)
_COUNTRY = re.compile("1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")  # ITU-T E.164


class _Signs(dict[int, str]):
    """What stands for a sign: a hyphen for all dashes, ASCII for digits of all scripts, nothing for what nobody sees."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        self[code] = plain = self._plain(sign)
        return plain

    @staticmethod
    def _plain(sign: str) -> str:
        if sign in APOSTROPHES:
            return "'"
        if sign in QUOTES:
            return '"'
        match unicodedata.category(sign):
            case "Cf":
                return ""
            case "Pd":
                return "-"
            case "Nd":
                return str(unicodedata.digit(sign))
        return sign


_SIGNS = _Signs()


def folded(text: str) -> str:
    """The text in the one spelling in which texts and values are compared; any blanks are one blank, at the ends none."""
    return " ".join(plain(text).split())


def plain(text: str) -> str:
    """`folded`, with all its blanks."""
    if text.isascii():
        return text.lower()
    known = _BESIDE_ASCII.sub(_signs, unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", known.casefold())


@lru_cache(4096)
def is_odd(sign: str) -> bool:
    """Whether a sign beside ASCII is spelled in ASCII too, or not at all; `ODD` has these, and some others."""
    if sign.isascii():
        return False
    told = plain(sign)
    return (
        not told or sign.isspace() or bool(unicodedata.combining(sign)) or any(one.isascii() for one in told)
    )


def _signs(found: re.Match[str]) -> str:
    return found[0].translate(_SIGNS)


def readings(text: str) -> list[str]:
    """The text, then what it says once its escapes of JSON or of URLs or both are undone, once or several times."""
    found = [text]
    for _ in range(DEPTH):
        if not ("%" in text or "\\" in text):
            break
        unescaped = _ESCAPE.sub(_unescaped, text) if "\\" in text else text
        told = unquote(unescaped)
        if told != unescaped != text:  # a value may itself have what the other would undo
            found += [unescaped, unquote(text)]
        if told == text:
            break
        found.append(told)
        text = told
    return found + [one.replace("+", " ") for one in found if "+" in one]


def _unescaped(found: re.Match[str]) -> str:
    sign = found[1]
    return chr(int(sign[1:], 16)) if len(sign) > 1 else _ESCAPED.get(sign, sign)


def digits(text: str) -> str:
    return _NO_DIGITS.sub("", text)


def number(type: str, text: str) -> str:
    """The digits by which a folded value of this type is found: of a phone those without country, trunk and extension;
    empty where they are too few."""
    if type not in NUMBERED:
        return ""
    found = _national(_EXTENSION.sub("", text)) if type == "phone" else digits(text)
    return found if len(found) >= NUMBER_DIGITS else ""


def _national(text: str) -> str:
    found = digits(text)
    if "+" in text or found.startswith("00"):
        found = _COUNTRY.sub("", found.removeprefix("00"), count=1)
    elif len(found) == 11 and found.startswith("1"):
        found = found[1:]
    found = found.lstrip("0")
    # with a country that no plus tells, the end is the same in all spellings
    return found[-9:] if len(found) > 10 else found
