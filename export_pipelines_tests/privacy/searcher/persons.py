"""Who is hidden in a text."""

import html
import re
from functools import lru_cache
from unicodedata import category, digit, normalize
from urllib.parse import unquote

MARKERS = {  # in small letters without accents
    "email": re.compile(r"qxzcanary(?:kin)?([a-g]{6})"),
    "name": re.compile(r"qx(?:anna|belle|roe|doe)([a-g]{6})?"),
    "street": re.compile(r"qxlane([a-g]{6})"),
    "closed": re.compile(r"(?:qxssn|qxsecret)([0-6]{6})"),
}
SHORT_NAME = re.compile(r"(?<![^\W_])(?:qx|zq)(?![^\W_])")  # which bytes that are no text hold by chance
DIGITS = {  # in digits that have lost what stood between them
    "phone": re.compile(r"818[2-6]([0-6]{6})"),
    "ssn": re.compile(r"98[67]([0-6]{6})"),
    "dob": re.compile(r"1911[01]\d[0-3]\d|[0-3]\d[0-3]\d1911"),
}
NOBODYS = re.compile(  # ids, hashes, tokens, moments, seconds, references: what they hold they hold by chance
    r"(?<![0-9A-Za-z])[0-9a-f]{24,}(?![0-9A-Za-z])|[0-9a-f]{64}|(?<![^\W_])tok_[0-9a-f]{8}_[\w-]+"
    r"|20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{6}|\.\d{3})?(?:Z|\+00:00)?|(?<!\d)17\d{11}(?!\d)"
    r"|(?<!\d)\d+\.\d{10,}|(?<!\d)1[78]\d{8}\.\d{4,}|REF-\d{8}"
)
# no other text can hold anything
SUSPECT = re.compile(r"(?i)qx|zq|[^\x00-\x7f]|[%&\\]|(?:[0-9][^0-9a-z]*){8}")
UNSEEN, FILLERS = ("Mn", "Me", "Cf"), "\u115f\u1160\u3164\uffa0"  # what nobody sees; of letters, too


@lru_cache(maxsize=50_000)
def found_in(text: str, is_text: bool = True) -> tuple[tuple[str, str], ...]:
    """Kind of value and number of the person, of all that is hidden in a text, or in bytes that are none."""
    text = NOBODYS.sub("#", text)
    if not SUSPECT.search(text):
        return ()
    hits = set()
    for view in _views(text):
        letters = _letters(view)
        for kind, marker in MARKERS.items() if "qx" in letters else ():
            hits |= {(kind, match[1] or "") for match in marker.finditer(letters)}
        if is_text and SHORT_NAME.search(letters):
            hits.add(("name", ""))
        digits = _digits(view)
        for kind, marker in DIGITS.items():
            hits |= {
                (kind, match[1] if marker.groups else "") for run in digits for match in marker.finditer(run)
            }
    return tuple(sorted(hits))


def _letters(text: str) -> str:
    """In small letters, without accents and signs that nobody sees."""
    if text.isascii():
        return text.lower()
    plain = normalize("NFKD", text)
    return "".join(sign for sign in plain if category(sign) not in UNSEEN and sign not in FILLERS).casefold()


def _views(text: str) -> list[str]:
    """The text and what it becomes as its encodings are undone, one after the other and together."""
    views, last = [text], text
    if not re.search(r"[%&\\]", text):
        return views
    for _ in range(5):
        for undo in (html.unescape, unquote, _unescaped):
            if (other := undo(last)) not in views:
                views.append(other)
        last = html.unescape(unquote(_unescaped(last)))
        if last in views[:-1] and last == views[-1]:
            break
        if last not in views:
            views.append(last)
    return views


def _unescaped(text: str) -> str:
    return re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)


def _digits(text: str) -> list[str]:
    """The runs of digits between letters, in any script, without anything else."""
    if text.isascii():
        return re.findall(r"[0-9]{8,}", re.sub(r"[^0-9A-Za-z]+", "", text))
    signs = []
    for sign in text:
        if (value := digit(sign, None)) is not None:
            signs.append(str(value))
        elif category(sign)[0] == "L" and sign not in FILLERS:
            signs.append(" ")
    return [run for run in "".join(signs).split() if len(run) >= 8]
