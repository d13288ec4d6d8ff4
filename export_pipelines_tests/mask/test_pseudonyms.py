"""Hashes and tokens of whole columns, with keys in several versions."""

import hmac
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.normalise import normalised
from export_pipelines.mask.pseudonyms import Opener, hashed, tokenized
from export_pipelines.settings import Settings
from export_pipelines.transform.letters import letters_of

FIRST, SECOND = "the first key of the tests, no secret", "the second key of the tests, no secret"
KEYS = Keys.from_bytes(b"k" * 40, b"m" * 40)
VALUES = st.lists(
    st.none() | st.text(max_size=20) | st.text("0123456789+() -xX", max_size=16) | st.emails(), max_size=8
)
Hide = Callable[..., list[str | None]]
TYPES = ["email", "phone", "name", "postal_code", "state", "text"]


def keys_of(folder: Path, **variables: str) -> Keys:
    return Keys.of(Settings.load({PREFIX + name: value for name, value in variables.items()}, folder))


def hashes(values: list[str | None], type: str, keys: Keys = KEYS) -> list[str | None]:
    return hashed(type, letters_of(pl.Series(values, dtype=pl.String)), keys).to_list()


def tokens(values: list[str | None], type: str, keys: Keys = KEYS) -> list[str | None]:
    return tokenized(type, letters_of(pl.Series(values, dtype=pl.String)), keys).to_list()


def alone(value: str | None, type: str, key: bytes) -> str | None:
    """By the standard library's HMAC, value after value."""
    text = value and normalised(type, value)
    if not text:
        return text
    subkey = HKDF(SHA256(), 32, None, f"export_pipelines hash v1 {type}".encode()).derive(key)
    id = HKDF(SHA256(), 4, None, b"export_pipelines HASH_KEY key id").derive(key)
    return f"{id.hex()}_{hmac.digest(subkey, text.encode(), 'sha256')[:16].hex()}"


@pytest.mark.parametrize("type", TYPES)
@given(values=VALUES, key=st.binary(min_size=32, max_size=130))
def test_a_hash_is_the_hmac_of_the_normalised_value(type: str, values: list[str | None], key: bytes) -> None:
    assert hashes(values, type, Keys.from_bytes(key)) == [alone(value, type, key) for value in values]


@pytest.mark.parametrize("type", TYPES)
@given(values=VALUES)
def test_a_token_gives_the_normalised_value_back(type: str, values: list[str | None]) -> None:
    opener = Opener(KEYS)
    opened = [token and opener.open(token) for token in tokens(values, type)]
    assert opened == [value and normalised(type, value) for value in values]


@pytest.mark.parametrize("hide", [hashes, tokens])
def test_a_value_has_another_pseudonym_in_each_type(hide: Hide) -> None:
    hidden = [hide(["2135558931", "x"], type)[1] for type in SEMANTIC_TYPES]
    assert len(set(hidden)) == len(SEMANTIC_TYPES)


@pytest.mark.parametrize("hide", [hashes, tokens])
@pytest.mark.parametrize(
    ("type", "values"),
    [
        ("email", ["Jane@X.org", " jane@x.ORG ", "\uff4aane@x.org"]),
        ("phone", ["12135558931", "+1 (213) 555-8931", "213.555.8931 ", "2135558931"]),
        ("name", ["Jos\u00e9", "Jose\u0301 "]),
    ],
)
def test_one_value_has_one_pseudonym_however_it_was_typed(hide: Hide, type: str, values: list[str]) -> None:
    assert len(set(hide(values, type))) == 1


@pytest.mark.parametrize("hide", [hashes, tokens])
@pytest.mark.parametrize("type", TYPES)
def test_nothing_stays_nothing(hide: Hide, type: str) -> None:
    assert hide([], type) == []
    assert hide([None, "", None, "  "], type) == [None, "", None, ""]


@pytest.mark.parametrize(("hide", "name"), [(hashes, "HASH_KEY"), (tokens, "MASTER_KEY")])
def test_equal_values_join_within_one_version_of_a_key_only(hide: Hide, name: str, tmp_path: Path) -> None:
    first = keys_of(tmp_path, **{name: FIRST})
    both = keys_of(tmp_path, **{name: FIRST, f"{name}_2": SECOND})
    back = keys_of(tmp_path, **{name: FIRST, f"{name}_2": SECOND, f"{name}_ACTIVE": "1"})
    before, after, again = (hide(["a@x.org"], "email", keys) for keys in (first, both, back))
    assert before == again and before != after
    assert hide(["a@x.org"], "email", keys_of(tmp_path, **{f"{name}_2": SECOND})) == after


def test_a_token_opens_until_its_version_is_retired(tmp_path: Path) -> None:
    (old,) = tokens(["Jane"], "name", keys_of(tmp_path, MASTER_KEY=FIRST))
    both = keys_of(tmp_path, MASTER_KEY=FIRST, MASTER_KEY_2=SECOND)
    (new,) = tokens(["Jane"], "name", both)
    assert old and new and [Opener(both).open(token) for token in (old, new)] == ["Jane", "Jane"]
    retired = Opener(keys_of(tmp_path, MASTER_KEY_2=SECOND))
    assert retired.open(new) == "Jane"
    with pytest.raises(RequestError, match="not held: it is retired, or another project's") as caught:
        retired.open(old)
    assert old.split("_")[1] in str(caught.value) and old not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "Jane", "tok_", "tok_0123_abcd", "tok_0123456g_abcd", "tok_01234567_", "\n"]
)
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(RequestError, match="no token") as caught:
        Opener(KEYS).open(text)
    assert "Jane" not in str(caught.value)


def test_a_damaged_token_is_refused() -> None:
    (token,) = tokens(["Jane Roe"], "name")
    assert token
    other = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    for damaged in (other, token[:-1], token[:-4], token + "AAAA", token[:14]):
        with pytest.raises(RequestError, match="the token is damaged"):
            Opener(KEYS).open(damaged)


@pytest.mark.parametrize("key", [b"", b"k" * 31])
def test_a_missing_or_short_key_is_refused_where_it_is_used(key: bytes) -> None:
    for use, name in ((hashes, "HASH_KEY"), (tokens, "MASTER_KEY")):
        with pytest.raises(SettingsError, match=f"EXPORT_PIPELINES_{name}"):
            use(["x"], "name", Keys.from_bytes(key, key))
    with pytest.raises(SettingsError, match="detokenize needs .*EXPORT_PIPELINES_MASTER_KEY"):
        Opener(Keys.from_bytes(b"k" * 32, key))


def test_a_plan_is_run_with_the_versions_that_it_names(tmp_path: Path) -> None:
    first = keys_of(tmp_path, HASH_KEY=FIRST, MASTER_KEY=FIRST)
    rotated = keys_of(tmp_path, HASH_KEY=FIRST, HASH_KEY_2=SECOND, MASTER_KEY=FIRST, MASTER_KEY_2=SECOND)
    ids = [str(name) for name in first.names.values()]
    assert hashes(["x"], "name", rotated.of_plan(ids)) == hashes(["x"], "name", first)
    assert tokens(["x"], "name", rotated.of_plan(ids)) == tokens(["x"], "name", first)
    assert rotated.of_plan(()) == rotated
    with pytest.raises(SettingsError, match="the plan was made with the key HASH_KEY:"):
        keys_of(tmp_path, HASH_KEY_2=SECOND).of_plan(ids)
