"""Texts side by side tell the same as each text alone."""

from urllib.parse import quote

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.stream.letters import Letters, table

TEXTS = st.lists(st.none() | st.text(max_size=12) | st.text("%4a1\u00e9", max_size=9), min_size=1, max_size=8)


def letters(texts: list[str | None]) -> Letters:
    return Letters.of(pa.array(texts, pa.large_string()))


def texts_of(found: Letters) -> list[str]:
    return found.series().to_list()


@given(texts=TEXTS)
def test_places_lie_in_the_rows_that_have_them(texts: list[str | None]):
    found = letters(texts)
    rows = found.rows_of(found.places(table(b"a1%")))
    assert rows.tolist() == [row for row, text in enumerate(texts) if text and set(text) & set("a1%")]


@given(texts=TEXTS, first=st.integers(0, 8), last=st.integers(0, 8))
def test_a_part_of_the_rows_is_as_all_of_them(texts: list[str | None], first: int, last: int):
    plain = [text or "" for text in texts]
    part = letters(texts)[first:last]
    assert texts_of(part) == plain[first:last]
    assert part.lengths.tolist() == [len(text.encode()) for text in plain[first:last]]
    rows = np.arange(1, len(texts), 2)
    assert texts_of(letters(texts).take(rows)) == plain[1::2]


@given(texts=TEXTS)
def test_codes_are_those_of_unicode(texts: list[str | None]):
    found = letters(texts)
    codes = found.codes(found.places(table(range(0xC0, 0x100))))
    assert codes.tolist() == [ord(sign) for text in texts for sign in text or "" if not sign.isascii()]


@given(texts=TEXTS, taken=st.sets(st.sampled_from("a1%4")))
def test_without_some_bytes(texts: list[str | None], taken: set[str]):
    without = letters(texts).without(table("".join(taken).encode()))
    assert texts_of(without) == ["".join(sign for sign in text or "" if sign not in taken) for text in texts]


@given(
    texts=st.lists(
        st.text(st.characters(codec="ascii", min_codepoint=0x20), max_size=9), min_size=1, max_size=5
    )
)
def test_what_is_printed_in_ascii_is_decoded_once(texts: list[str]):
    once = [quote(text, safe="") for text in texts]
    ended = [
        text + "\0" for text in once
    ]  # as texts are that are searched, so that none goes over into the next
    assert texts_of(letters(ended).decoded()) == [text.replace("\x7f", "%7F") + "\0" for text in texts]
    twice = [quote(text, safe="") + "\0" for text in once]
    assert texts_of(letters(twice).decoded()) == ended
