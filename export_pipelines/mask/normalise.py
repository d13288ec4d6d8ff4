"""One spelling for values that are the same: what is hashed or tokenized, so that equal values have equal pseudonyms."""

import re
import unicodedata
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view

from export_pipelines import normal_form
from export_pipelines.transform import phones
from export_pipelines.transform.components import EXTENSION
from export_pipelines.transform.letters import NOT_DIGIT, Flags, Letters, Rows, array_of, table, table_without

NANP_DIGITS = 10
EXTENSION_WORD = re.compile(EXTENSION.replace(r"\s*", "", 1))  # `re` would try each of many blanks before it
# The width mapping rule of RFC 8265: a letter that Unicode calls wide or narrow is the ordinary one.
WIDTHS = {
    code: "".join(chr(int(part, 16)) for part in parts[1:])
    for code in (0x3000, *range(0xFF00, 0xFFF0))
    if (parts := unicodedata.decomposition(chr(code)).split()) and parts[0] in ("<wide>", "<narrow>")
}
CASES: Mapping[str, Callable[[str], str]] = {"email": str.lower, "postal_code": str.upper, "state": str.upper}
ASCII_CASES: Mapping[str, Callable[[pa.LargeStringArray], pa.LargeStringArray]] = {
    "email": pc.ascii_lower,
    "postal_code": pc.ascii_upper,
    "state": pc.ascii_upper,
}
BESIDE_ASCII = table(range(0x80, 0x100))
NOT_OF_A_PHONE = table_without(b"0123456789 ()-.+")
PLUS = table(b"+")
NANP = np.frombuffer(b"+1", np.uint8)  # the North American Numbering Plan
LAST_BLANK = 0x20  # ASCII has blanks up to here, and signs that no value begins or ends with


def normalised(type: str, text: str) -> str:
    """The one spelling of a value: NFC, without full width, blanks around it or, by type, the case; of a phone E.164."""
    is_plain = text.isascii()
    text = CASES.get(type, str)(text if is_plain else text.translate(WIDTHS))
    text = (text if is_plain else normal_form.normalised("NFC", text)).strip()
    return phones.e164(text) or text if type == "phone" and not _has_words(text) else text


def _has_words(phone: str) -> bool:
    """libphonenumber reads letters as the keys of a telephone, and words as a part of the number."""
    return any(map(str.isalpha, EXTENSION_WORD.sub("", phone)))


def normalised_all(type: str, letters: Letters) -> pa.LargeStringArray:
    """Each value as `normalised` spells it. Those in ASCII that need a change of case at most are changed all at once."""
    if type == "phone":
        return _phones(letters)
    plain = ASCII_CASES.get(type, _as_it_is)(letters.texts)
    rows = np.union1d(letters.rows_of(letters.places(BESIDE_ASCII)), _with_blanks_around(letters))
    return _replaced(plain, rows, _one_by_one(type, letters.take(rows))) if len(rows) else plain


def _as_it_is(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return texts


def _with_blanks_around(letters: Letters) -> Rows:
    filled = np.flatnonzero(letters.lengths)
    first = letters.bytes[letters.starts[filled]] <= LAST_BLANK
    last = letters.bytes[letters.starts[filled + 1] - 1] <= LAST_BLANK
    rows: Rows = filled[first | last]
    return rows


def _one_by_one(type: str, letters: Letters) -> pa.LargeStringArray:
    """Distinct values only."""
    encoded = letters.texts.dictionary_encode()
    spelled = array_of([normalised(type, text) for text in encoded.dictionary.to_pylist()], pl.String)
    return spelled.take(encoded.indices)


def _replaced(texts: pa.LargeStringArray, rows: Rows, by: pa.LargeStringArray) -> pa.LargeStringArray:
    """`texts`, in which those of `rows` are others."""
    order = np.arange(len(texts))
    order[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, by]).take(array_of(order, pl.Int64))


def _phones(letters: Letters) -> pa.LargeStringArray:
    """Most are numbers of North America without an extension, whose digits are all that a parser would find."""
    digits = letters.without(NOT_DIGIT) if len(letters.places(NOT_DIGIT)) else letters
    plain = _are_plain(letters, digits)
    ends = digits.starts[1:][plain]
    if not len(ends):
        return _one_by_one("phone", letters)
    spelled = np.empty((len(ends), len(NANP) + NANP_DIGITS), np.uint8)
    spelled[:, : len(NANP)] = NANP
    spelled[:, len(NANP) :] = sliding_window_view(digits.bytes, NANP_DIGITS)[ends - NANP_DIGITS]
    texts = Letters.from_bytes(np.arange(len(ends) + 1) * spelled.shape[1], spelled.ravel()).texts
    if len(ends) == len(letters):
        return texts
    rows, others = np.flatnonzero(plain), np.flatnonzero(~plain)
    order = np.empty(len(letters), np.int64)
    order[rows], order[others] = np.arange(len(rows)), len(rows) + np.arange(len(others))
    return pa.concat_arrays([texts, _one_by_one("phone", letters.take(others))]).take(
        array_of(order, pl.Int64)
    )


def _are_plain(letters: Letters, digits: Letters) -> Flags:
    """Of each value, whether it is ten digits that begin with 2 to 9, 1 and ten such, or + and these, with nothing but
    brackets, dots, hyphens and blanks between."""
    ten, eleven = digits.lengths == NANP_DIGITS, digits.lengths == NANP_DIGITS + 1
    plain: Flags = ten | eleven
    plain[plain] = digits.bytes[digits.starts[1:][plain] - NANP_DIGITS] >= ord("2")
    plain[eleven & plain] = digits.bytes[digits.starts[:-1][eleven & plain]] == ord("1")
    plain[letters.rows_of(letters.places(NOT_OF_A_PHONE))] = False
    signs = letters.places(PLUS)
    if len(signs):
        inside = np.searchsorted(letters.starts, signs) == np.searchsorted(letters.starts, signs, "right")
        plain[letters.rows_of(signs[inside])] = False
        plain[letters.rows_of(signs)] &= eleven[letters.rows_of(signs)]
    return plain
