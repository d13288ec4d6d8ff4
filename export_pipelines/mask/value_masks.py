"""Masks of whole values: of a valid value a part by its type, of any other stars. Null stays null, empty stays empty."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from export_pipelines.mask.keys import Keys
from export_pipelines.mask.recognise import STARS
from export_pipelines.plan.plan import Mask
from export_pipelines.transform.components import EXTENSION, has_form
from export_pipelines.transform.letters import NOT_DIGIT, Letters, letters_of
from export_pipelines.transform.timestamp_texts import timestamp_texts

SHOWN_DIGITS, PLAIN_DIGITS = 4, 10  # of a phone
WHOLE = frozenset(
    {"name", "street", "email", "phone", "postal_code"}
)  # values that are personal from end to end


def masked(values: pl.Series, type: str, mask: Mask, keys: Keys, letters: Letters | None = None) -> pl.Series:
    """The hidden values as text, in the order of `values`; `letters` are theirs, where they are at hand. Raises
    SettingsError without the key that `mask` needs."""
    texts = as_text(values)
    if mask is Mask.HASH:
        from export_pipelines.mask.pseudonyms import hashed

        return hashed(type, letters or letters_of(texts), keys)
    if mask is Mask.TOKENIZE:
        from export_pipelines.mask.pseudonyms import tokenized

        return tokenized(type, letters or letters_of(texts), keys)
    if mask is Mask.REDACT:
        return stars(letters or letters_of(texts))
    return _phones(texts, letters or letters_of(texts)) if type == "phone" else _part_shown(type, texts)


def as_text(values: pl.Series) -> pl.Series:
    """Values as they would be written."""
    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return timestamp_texts(values)
    return values.cast(pl.String)


def stars(letters: Letters) -> pl.Series:
    """Stars in the place of each text that is not empty."""
    return letters.replaced_by(np.frombuffer(STARS.encode(), np.uint8)[np.newaxis], letters.lengths > 0)


def _part_shown(type: str, texts: pl.Series) -> pl.Series:
    value = pl.col("value")
    part = PARTS.get(type)
    shown = pl.lit(STARS)
    if part is not None:
        shown = pl.coalesce(pl.when(has_form(type, value)).then(part(value)), shown)
    return selected(texts, pl.when(value != "").then(shown).otherwise(value))


def _phones(texts: pl.Series, letters: Letters) -> pl.Series:
    """Most are ten digits, and nothing else."""
    plain = letters.lengths == PLAIN_DIGITS
    plain[letters.rows_of(letters.places(NOT_DIGIT))] = False
    digits = np.full((len(letters), PLAIN_DIGITS), ord("*"), np.uint8)
    if plain.any():
        fours = sliding_window_view(letters.bytes, SHOWN_DIGITS)
        digits[:, -SHOWN_DIGITS:] = fours[letters.starts[1:] - SHOWN_DIGITS]
    shown = letters.replaced_by(digits, plain)
    others = np.flatnonzero(~plain & (letters.lengths > 0))
    return shown.scatter(others, _part_shown("phone", texts[others])) if len(others) else shown


def selected(values: pl.Series, expression: pl.Expr) -> pl.Series:
    """What an expression over the column `value` makes of these values."""
    return values.to_frame("value").select_seq(expression.alias("value")).to_series()


def _email(value: pl.Expr) -> pl.Expr:
    plain = value.str.strip_chars()
    user, domain = plain.str.extract(r"^(.*)@", 1), plain.str.extract(r"@(.+)$", 1)
    first = pl.when(user.str.len_chars() > 1).then(user.str.head(1)).otherwise(pl.lit(""))
    return first + STARS + "@" + domain


def _phone(value: pl.Expr) -> pl.Expr:
    """The last four digits, with a star for each before, without an extension."""
    return value.map_batches(_last_digits, return_dtype=pl.String)


def _last_digits(phones: pl.Series) -> pl.Series:
    number = phones.str.replace(EXTENSION, "")
    digits = letters_of(number).without(NOT_DIGIT)
    shown = np.full(len(digits.bytes), ord("*"), np.uint8)
    for place in range(1, SHOWN_DIGITS + 1):
        at = digits.starts[1:][digits.lengths >= place] - place
        shown[at] = digits.bytes[at]
    return Letters.from_bytes(digits.starts, shown).series().alias(phones.name)


def _name(value: pl.Expr) -> pl.Expr:
    name = value.str.strip_chars()
    return pl.when(name.str.len_chars() > 2).then(name.str.head(1) + STARS)


def _network(value: pl.Expr) -> pl.Expr:
    four = value.str.extract(r"^\s*(\d+\.\d+\.\d+)\.\d+\s*$", 1) + ".0/24"
    six = value.str.extract(r"(?i)^\s*([0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}):", 1) + "::/48"
    return pl.coalesce(four, six)


def _post(value: pl.Expr) -> pl.Expr:
    post = value.str.strip_chars()
    return pl.when(post.str.len_chars() > 4).then(post.str.head(3) + "**")


def _site(value: pl.Expr) -> pl.Expr:
    host = value.str.extract(r"://(?:[^/?#@]*@)?([^/?#]+)", 1)
    return value.str.extract(r"^\s*([A-Za-z][\w+.-]*://)", 1) + host + "/" + STARS


PARTS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "email": _email,
    "phone": _phone,
    "name": _name,
    "dob": lambda value: value.str.extract(r"^(\d{4})-", 1),
    "date": lambda value: value.str.extract(r"^(\d{4})-", 1),
    "ip": _network,
    "postal_code": _post,
    "url": _site,
}
