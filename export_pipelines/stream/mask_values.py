"""How a value is hidden: hashed, tokenised or masked by its semantic type. Null stays null, empty stays empty."""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

import polars as pl
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.errors import SettingsError
from export_pipelines.plan.plan import Mask
from export_pipelines.stream.components import IPV4
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.schema import TIMESTAMP_FORMAT

NOTHING = "***"
TOKEN_PREFIX = "tok"
TOKEN_PURPOSE = b"export_pipelines token v1"
KEY_ID_BYTES = 4
BLOCK_BYTES = 64  # of SHA-256
JSON = r"^\s*[\[{]"


def masked(values: pl.Series, type: str, mask: Mask, keys: Keys) -> pl.Series:
    """The hidden values as text, in the order of `values`. Raises SettingsError without the key that `mask` needs."""
    texts = as_text(values)
    if mask is Mask.MASK:
        shown = texts.to_frame("value").select(_shown(type, pl.col("value")))["value"]
        return shown.zip_with(texts.is_not_null(), pl.Series([None], dtype=pl.String))
    hide = _hasher(type, keys) if mask is Mask.HASH else _tokeniser(keys)
    distinct = texts.drop_nulls().unique()
    if 2 * len(distinct) > len(texts):  # looking up would take longer than hiding
        return pl.Series([None if text is None else hide(text) for text in texts.to_list()], dtype=pl.String)
    hidden = pl.Series([hide(text) for text in distinct], dtype=pl.String)
    return texts.replace_strict(distinct, hidden, default=None, return_dtype=pl.String)


def as_text(values: pl.Series) -> pl.Series:
    """Values as they would be written."""
    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.strftime(TIMESTAMP_FORMAT)
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


def _hasher(type: str, keys: Keys) -> Callable[[str], str]:
    if keys.hash_key is None:
        raise SettingsError("hash needs the key EXPORT_PIPELINES_HASH_KEY, which is not set")
    key = keys.hash_key if len(keys.hash_key) <= BLOCK_BYTES else hashlib.sha256(keys.hash_key).digest()
    padded = key.ljust(BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))

    def hide(text: str) -> str:
        """HMAC-SHA256 (RFC 2104) with the key's half done once: `hmac` takes three times as long."""
        if not text:
            return text
        within, one = inner.copy(), outer.copy()
        within.update(canonical(type, text).encode())
        one.update(within.digest())
        return one.hexdigest()

    return hide


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


def _shown(type: str, value: pl.Expr) -> pl.Expr:
    """Of JSON in the place of a value, which a snapshot may hold, nothing is shown."""
    show = _MASKS.get(type, lambda _: pl.lit(NOTHING))
    shown = pl.when(~value.str.contains(JSON)).then(show(value)).fill_null(NOTHING)
    return pl.when(value == "").then(pl.lit("")).otherwise(shown).alias("value")


def _email(value: pl.Expr) -> pl.Expr:
    user, domain = value.str.extract(r"^\s*(.*)@[^@]*$", 1), value.str.extract(r"@([^@]+)$", 1)
    return (
        pl.when(user.str.len_chars() > 1).then(user.str.head(1)).otherwise(pl.lit(""))
        + NOTHING
        + "@"
        + domain
    )


def _phone(value: pl.Expr) -> pl.Expr:
    digits = value.str.replace_all(r"\D+", "")
    shown = digits.str.tail(4).str.pad_start(digits.str.len_chars(), "*")
    return pl.when(digits.str.len_chars() > 6).then(shown)


def _name(value: pl.Expr) -> pl.Expr:
    return pl.when(value.str.strip_chars().str.len_chars() > 2).then(
        value.str.strip_chars().str.head(1) + NOTHING
    )


def _year(value: pl.Expr) -> pl.Expr:
    return value.str.extract(r"^(\d{4})-", 1)


def _network(value: pl.Expr) -> pl.Expr:
    four = pl.when(value.str.contains(IPV4)).then(value.str.extract(r"^(.*)\.\d+$", 1) + ".0/24")
    six = value.str.extract(r"(?i)^([0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}):", 1) + "::/48"
    return pl.coalesce(four, six)


def _post(value: pl.Expr) -> pl.Expr:
    post = value.str.strip_chars()
    return pl.when(post.str.len_chars() > 4).then(post.str.head(3) + "**")


def _site(value: pl.Expr) -> pl.Expr:
    return (
        value.str.extract(r"^([A-Za-z][\w+.-]*://)", 1)
        + value.str.extract(r"://(?:[^/?#@]*@)?([^/?#]+)", 1)
        + "/"
        + NOTHING
    )


_MASKS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "email": _email,
    "phone": _phone,
    "name": _name,
    "dob": _year,
    "date": _year,
    "ip": _network,
    "postal_code": _post,
    "url": _site,
}
