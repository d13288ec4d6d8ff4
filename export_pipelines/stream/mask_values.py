"""How a value is hidden: hashed, tokenised or masked by its semantic type. Null stays null, empty stays empty."""

import base64
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
import stringzilla as sz
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.errors import SettingsError
from export_pipelines.plan.plan import Mask
from export_pipelines.stream.components import IPV4
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.letters import (
    BESIDE_ASCII,
    NOT_DIGIT,
    PRINTED,
    Bytes,
    Letters,
    Rows,
    arrow_texts,
    table,
    table_without,
)
from export_pipelines.stream.timestamps import timestamp_texts

NOTHING = "***"
TOKEN_PREFIX = "tok"
TOKEN_PURPOSE = b"export_pipelines token v1"
KEY_ID_BYTES = 4
HEX_OF = np.frombuffer(b"".join(b"%02x" % code for code in range(256)), np.uint16)
FEWEST_DIGITS, SHOWN_DIGITS = 7, 4  # of a phone
NOT_PRINTED = table_without(PRINTED)
OTHER_LETTERS = table(range(BESIDE_ASCII, 0x100))
JSON, BRACKETS = r"^\s*[\[{]", table(b"[{")


def masked(values: pl.Series, type: str, mask: Mask, keys: Keys) -> pl.Series:
    """The hidden values as text, in the order of `values`. Raises SettingsError without the key that `mask` needs."""
    texts = as_text(values)
    if mask is Mask.MASK:
        return _shown(type, texts)
    if mask is Mask.HASH:
        return _hashed(type, texts, keys)
    hide = _tokeniser(keys)
    found = arrow_texts(texts).dictionary_encode()
    tokens = pa.array([hide(text) for text in found.dictionary.to_pylist()], pa.large_string())
    return pl.Series(pl.from_arrow(tokens.take(found.indices)))


def as_text(values: pl.Series) -> pl.Series:
    """Values as they would be written."""
    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return timestamp_texts(values)
    return values.cast(pl.String)


def canonical(type: str, text: str) -> str:
    """The spelling that is hashed, so that the same person is found again however the value was typed."""
    text = text.strip()
    if type == "email":
        return text.lower()
    if type == "phone":
        digits = re.sub(r"\D", "", text)
        return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits or text
    return text


def detokenise(token: str, keys: Keys) -> str:
    """The value behind a token. Raises SettingsError without the key, ValueError for a token of another key."""
    cipher, key_id = _cipher(keys)
    prefix, found, body = token.split("_", 2)
    if (prefix, found) != (TOKEN_PREFIX, key_id):
        raise ValueError("the token was made with another key")
    padded = body + "=" * (-len(body) % 4)
    return cipher.decrypt(base64.urlsafe_b64decode(padded), [TOKEN_PURPOSE]).decode()


def _hashed(type: str, texts: pl.Series, keys: Keys) -> pl.Series:
    """HMAC-SHA256 (RFC 2104) in hexadecimal, of all values at once: one after the other takes four times as long."""
    if keys.hash_key is None:
        raise SettingsError("hash needs the key EXPORT_PIPELINES_HASH_KEY, which is not set")
    letters = Letters.of(arrow_texts(texts))
    plain, rows, said = _canonical(type, letters)
    codes = _hmac(keys.hash_key, plain.texts)
    codes[rows] = _hmac(keys.hash_key, pa.array(said, pa.large_string()))
    starts = np.arange(len(texts) + 1) * 2 * SHA256.digest_size
    hashed = Letters.from_bytes(starts, HEX_OF.take(codes)).series()
    return _with_blanks(hashed, texts, letters)


def _hmac(key: bytes, texts: pa.LargeStringArray) -> Bytes:
    codes = np.empty((len(texts), SHA256.digest_size), np.uint8)
    sz.hmac_sha256(key, sz.Strs(texts), codes)
    return codes


def _with_blanks(shown: pl.Series, texts: pl.Series, letters: Letters) -> pl.Series:
    """With null and empty where `texts` are so."""
    blank = np.flatnonzero(letters.lengths == 0)
    return shown.scatter(blank, texts[blank]) if len(blank) else shown


def _canonical(type: str, letters: Letters) -> tuple[Letters, Rows, list[str]]:
    """Values as they are, or in lower case, which is `canonical` for most; and of which rows it is something else."""
    rows = letters.rows_of(letters.places(NOT_DIGIT if type == "phone" else NOT_PRINTED))
    if type == "phone":
        rows = np.union1d(rows, np.flatnonzero(letters.lengths == len("15551234567")))
    said = [canonical(type, text) for text in letters.take(rows).texts.to_pylist()]
    return letters.lower() if type == "email" else letters, rows, said


def _tokeniser(keys: Keys) -> Callable[[str], str]:
    cipher, key_id = _cipher(keys)

    def hide(text: str) -> str:
        if not text:
            return text
        sealed = cipher.encrypt(text.encode(), [TOKEN_PURPOSE])
        return f"{TOKEN_PREFIX}_{key_id}_{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    return hide


def _cipher(keys: Keys) -> tuple[AESSIV, str]:
    if keys.master_key is None:
        raise SettingsError("tokenize needs the key EXPORT_PIPELINES_MASTER_KEY, which is not set")
    return _derived(keys.master_key)


@lru_cache(4)
def _derived(master_key: bytes) -> tuple[AESSIV, str]:
    """The cipher of a key, and an id that tells keys apart and nothing about them."""
    material = HKDF(SHA256(), 64 + KEY_ID_BYTES, None, TOKEN_PURPOSE).derive(master_key)
    return AESSIV(material[:64]), material[64:].hex()


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
