"""What letters beyond ASCII are read as, in the words of `kernel.c`: as `fold` reads them, 256 of them at a time, where one is met."""

from functools import cache
from unicodedata import category, decomposition

import numpy as np

from export_pipelines.mask.reading import LIKE, fold

# a letter is read as one of these, or as up to four lower-case letters of ASCII, the first lowest
BREAK, NOTHING, AT, DIGITS, MIXED, OTHER_LETTER, UNREAD = range(7)
PLANES, PAGE = 0x20000, 0x100  # code points of the table; those that are read at once


class Folded:
    """`classes` by code point; of a page that was not read, UNREAD."""

    def __init__(self) -> None:
        self.classes = np.full(PLANES, UNREAD, np.uint32)

    def read(self, page: int) -> None:
        """All of these are read: most scripts are never met, and the whole table takes longer than a small run's rows."""
        codes = range(page * PAGE, (page + 1) * PAGE)
        self.classes[codes.start : codes.stop] = [_class_of(chr(code)) for code in codes]


@cache
def folded() -> Folded:
    """That of the process."""
    return Folded()


def _class_of(letter: str) -> int:
    if letter.isascii():
        return BREAK  # is never asked
    kind = category(letter)
    if decomposition(letter) or letter in LIKE or kind not in ("Lo", "Cn", "Co", "Cs"):
        return _packed(fold(letter))
    return OTHER_LETTER if kind == "Lo" else BREAK


def _packed(plain: str) -> int:
    if not plain:
        return NOTHING
    if any("0" <= letter <= "9" for letter in plain):
        return DIGITS
    if "@" in plain:
        return AT if plain == "@" else MIXED
    letters = [letter for letter in plain if letter.isalnum()]
    if not letters:
        return BREAK
    if not plain.isascii():
        return OTHER_LETTER if not any(map(str.isascii, letters)) else MIXED
    return int.from_bytes(plain.encode(), "little") if len(letters) == len(plain) <= 4 else MIXED
