"""How a value is hidden: hashed, tokenised or masked by its semantic type. Null stays null, empty stays empty."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from export_pipelines.plan.plan import Mask
from export_pipelines.stream.components import IPV4
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.letters import BESIDE_ASCII, NOT_DIGIT, Letters, arrow_texts, table
from export_pipelines.stream.pseudonyms import hashed, tokenised
from export_pipelines.stream.timestamps import timestamp_texts

NOTHING = "***"
FEWEST_DIGITS, SHOWN_DIGITS = 7, 4  # of a phone
OTHER_LETTERS = table(range(BESIDE_ASCII, 0x100))
JSON, BRACKETS = r"^\s*[\[{]", table(b"[{")


def masked(values: pl.Series, type: str, mask: Mask, keys: Keys) -> pl.Series:
    """The hidden values as text, in the order of `values`. Raises SettingsError without the key that `mask` needs."""
    texts = as_text(values)
    if mask is Mask.MASK:
        return _shown(type, texts)
    if mask is Mask.HASH:
        return hashed(type, texts, keys)
    return tokenised(type, texts, keys)


def as_text(values: pl.Series) -> pl.Series:
    """Values as they would be written."""
    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return timestamp_texts(values)
    return values.cast(pl.String)


def _with_blanks(shown: pl.Series, texts: pl.Series, letters: Letters) -> pl.Series:
    """With null and empty where `texts` are so."""
    blank = np.flatnonzero(letters.lengths == 0)
    return shown.scatter(blank, texts[blank]) if len(blank) else shown


def _shown(type: str, texts: pl.Series) -> pl.Series:
    """What a mask leaves of each value; nothing of JSON in the place of a value, which a snapshot may hold."""
    letters = Letters.of(arrow_texts(texts))
    shown = _MASKS.get(type, _nothing)(texts)
    brackets = letters.rows_of(letters.places(BRACKETS))
    if len(brackets):
        shown = shown.scatter(brackets[letters.take(brackets).series().str.contains(JSON).to_numpy()], None)
    if shown.null_count():
        shown = shown.scatter(np.flatnonzero(shown.is_null().to_numpy()), NOTHING)
    return _with_blanks(shown, texts, letters)


def _by(mask: Callable[[pl.Expr], pl.Expr]) -> Callable[[pl.Series], pl.Series]:
    """A mask that an expression tells."""
    return lambda texts: texts.to_frame("value").select(mask(pl.col("value")).alias("value"))["value"]


def _nothing(texts: pl.Series) -> pl.Series:
    return texts.clear(len(texts))


@_by
def _email(value: pl.Expr) -> pl.Expr:
    user, domain = value.str.extract(r"^\s*(.*)@[^@]*$", 1), value.str.extract(r"@([^@]+)$", 1)
    return (
        pl.when(user.str.len_chars() > 1).then(user.str.head(1)).otherwise(pl.lit(""))
        + NOTHING
        + "@"
        + domain
    )


def _phone(phones: pl.Series) -> pl.Series:
    """The last four digits, with a star for each before; null where there are too few of them."""
    letters = Letters.of(arrow_texts(phones))
    digits = letters.without(NOT_DIGIT)
    ends, data = digits.starts[1:], np.full(len(digits.bytes), ord("*"), np.uint8)
    enough = digits.lengths >= FEWEST_DIGITS
    for last in range(1, SHOWN_DIGITS + 1):
        places = ends[enough] - last
        data[places] = digits.bytes[places]
    shown = Letters.from_bytes(digits.starts, data).series().scatter(np.flatnonzero(~enough), None)
    other = letters.rows_of(letters.places(OTHER_LETTERS))  # they may have digits of another script
    return shown.scatter(other, [_last_digits_of(text) for text in letters.take(other).texts.to_pylist()])


def _last_digits_of(phone: str) -> str | None:
    digits = re.sub(r"\D", "", phone)
    stars = "*" * (len(digits) - SHOWN_DIGITS)
    return stars + digits[-SHOWN_DIGITS:] if len(digits) >= FEWEST_DIGITS else None


@_by
def _name(value: pl.Expr) -> pl.Expr:
    return pl.when(value.str.strip_chars().str.len_chars() > 2).then(
        value.str.strip_chars().str.head(1) + NOTHING
    )


@_by
def _year(value: pl.Expr) -> pl.Expr:
    return value.str.extract(r"^(\d{4})-", 1)


@_by
def _network(value: pl.Expr) -> pl.Expr:
    four = pl.when(value.str.contains(IPV4)).then(value.str.extract(r"^(.*)\.\d+$", 1) + ".0/24")
    six = value.str.extract(r"(?i)^([0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}):", 1) + "::/48"
    return pl.coalesce(four, six)


@_by
def _post(value: pl.Expr) -> pl.Expr:
    post = value.str.strip_chars()
    return pl.when(post.str.len_chars() > 4).then(post.str.head(3) + "**")


@_by
def _site(value: pl.Expr) -> pl.Expr:
    return (
        value.str.extract(r"^([A-Za-z][\w+.-]*://)", 1)
        + value.str.extract(r"://(?:[^/?#@]*@)?([^/?#]+)", 1)
        + "/"
        + NOTHING
    )


_MASKS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "email": _email,
    "phone": _phone,
    "name": _name,
    "dob": _year,
    "date": _year,
    "ip": _network,
    "postal_code": _post,
    "url": _site,
}
