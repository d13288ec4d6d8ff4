"""The prefilter misses no key of an object that is never exported, however it is spelled."""

import json
from functools import cache
from unicodedata import normalize

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.mask.leads import shown

KEYS = st.lists(
    st.sampled_from(
        ["ssn", "SSN", "ss", "S", "s", "N", "no", "num", "4", "four", "last", "digits", "nr", "soc", "social", "security", "sec", "number", "pass",
         "word", "wd", "phrase", "code", "pwd", "p", "w", "d", "secret", "credential", "api", "private", "access", "encryption", "signing", "ssh",
         "auth", "refresh", "bearer", "session", "key", "keys", "token", "Token", "seguro", "client", "insurance", "income", "class", "name", "a",
         " ", "_", "-", ".", "#", "/", "][", "  ", ". ", "\u00a0", "\u200b", "\u2011", "\t", '"', "\\", "é", "Ｓ", "ｓｓｎ", "ſ", "Ⅳ", "№", "1", "9", ":", "K"]
    ),
    min_size=1,
    max_size=7,
).map("".join)  # fmt: skip


@settings(max_examples=examples(80))
@given(keys=st.lists(KEYS, min_size=1, max_size=20), ascii_only=st.booleans())
@example(
    keys=["S. S. N.", 'ssn "last"', "p-w-d", "oauth[access][token]", "ＳＳＮ", "a.p.i key"], ascii_only=False
)
def test_no_key_of_a_never_exported_type_is_missed(keys: list[str], ascii_only: bool) -> None:
    texts = [json.dumps({"a": {key: "x"}}, ensure_ascii=ascii_only) for key in keys]
    after = [json.dumps({"a": {key: None}}) if never_exported_type(key) else None for key in keys]
    for privacy in ({}, {"custom": "redact"}, {"custom": "keep"}):
        objects = [
            masked_row["custom"]
            for masked_row in shown([{"custom": text} for text in texts], ["custom"], privacy)
        ]
        for text, nulled, masked_text in zip(texts, after, objects, strict=True):
            assert json.loads(masked_text) == json.loads(nulled) if nulled else masked_text == text


NEVER_EXPORTED = [
    "ssn", "ss no", "ss4", "social security", "soc sec", "password", "pwd", "api key", "secret", "credential", "seguro social",
    "private key", "session token", "signing keys", "ssh key", "auth token", "bearer token", "encryption key", "access token", "passcode",
]  # fmt: skip
APART = ["\t", "\n", "\\", "/", '"', "\\n", "  ", "][", ": ", "–", "\u00a0", ".-."]


def spelled_otherwise(name: str) -> list[str]:
    """With a sign of Unicode in the place of some letters or between two, and with other signs between its words and letters."""
    spellings = [name.replace(" ", sign) for sign in APART] + [sign.join(name) for sign in APART]
    for sign, plain in compatible():
        places = [at for at in range(len(name)) if name.startswith(plain, at)]
        spellings += [name[:at] + sign + name[at + len(plain) :] for at in places]
    return spellings


@cache
def compatible() -> list[tuple[str, str]]:
    """Every sign beside ASCII that stands for letters of ASCII, and one that is not shown."""
    signs = [chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]
    plain = [(sign, normalize("NFKC", sign).casefold()) for sign in signs]
    return [*((sign, letter) for sign, letter in plain if letter.isascii()), ("\u200b", "")]


@pytest.mark.parametrize("privacy", [{}, {"custom": "redact"}])
def test_every_spelling_of_a_never_exported_key_is_found(privacy: dict[str, str]) -> None:
    keys = [key for name in NEVER_EXPORTED for key in spelled_otherwise(name)]
    leads = [{"custom": json.dumps({key: "x"}, ensure_ascii=False).replace("/", "\\/")} for key in keys]
    objects = [json.loads(masked_row["custom"]) for masked_row in shown(leads, ["custom"], privacy)]
    assert objects == [{key: None if never_exported_type(key) else "x"} for key in keys]
