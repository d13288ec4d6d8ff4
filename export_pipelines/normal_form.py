"""Unicode's normal forms in linear time: `unicodedata` sorts the marks of one letter by insertion, and there may be 200,000."""

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

FEW = 256  # letters, which no order of marks makes slow


def normalised(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """The text in this normal form, as `unicodedata.normalize` has it."""
    if len(text) > FEW and not text.isascii():
        text = "".join(_sorted_marks("NFD" if form == "NFC" else "NFKD", text))
    return unicodedata.normalize(form, text)


def _sorted_marks(form: Literal["NFD", "NFKD"], text: str) -> Iterator[str]:
    """The text letter by letter, with the marks that follow one another in their canonical order."""
    letters = "".join(unicodedata.normalize(form, letter) for letter in text)
    for _, run in groupby(letters, key=lambda letter: unicodedata.combining(letter) > 0):
        yield from sorted(
            run, key=unicodedata.combining
        )  # of letters that are no marks all are alike, and stay
