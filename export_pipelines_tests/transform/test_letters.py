"""Texts side by side tell the same as each text alone."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.transform.letters import NOT_DIGIT, Letters, table

TEXTS = st.lists(st.none() | st.text(max_size=12) | st.text("%4a1\u00e9", max_size=9), min_size=1, max_size=8)


def letters(texts: list[str | None]) -> Letters:
    return Letters.of(pa.array(texts, pa.large_string()))


def texts_of(column: Letters) -> list[str]:
    return column.series().to_list()


@given(texts=TEXTS)
def test_places_lie_in_the_rows_that_have_them(texts: list[str | None]) -> None:
    column = letters(texts)
    rows = column.rows_of(column.places(table(b"a1%")))
    assert rows.tolist() == [row for row, text in enumerate(texts) if text and set(text) & set("a1%")]


@given(texts=TEXTS, first=st.integers(0, 8), last=st.integers(0, 8))
def test_a_part_of_the_rows_is_as_all_of_them(texts: list[str | None], first: int, last: int) -> None:
    plain = [text or "" for text in texts]
    part = Letters.of(pa.array(texts, pa.large_string())[first:last])
    assert texts_of(part) == plain[first:last]
    assert part.lengths.tolist() == [len(text.encode()) for text in plain[first:last]]
    rows = np.arange(1, len(texts), 2)
    assert texts_of(letters(texts).take(rows)) == plain[1::2]
    assert texts_of(part.without(NOT_DIGIT)) == [
        "".join(letter for letter in text if letter in "0123456789") for text in plain[first:last]
    ]


@given(texts=TEXTS, taken=st.sets(st.sampled_from("a1%4")))
def test_without_some_bytes(texts: list[str | None], taken: set[str]) -> None:
    without = letters(texts).without(table("".join(taken).encode()))
    assert texts_of(without) == ["".join(sign for sign in text or "" if sign not in taken) for text in texts]


@given(texts=TEXTS)
def test_bytes_are_translated_each_in_its_place(texts: list[str | None]) -> None:
    column = letters(texts)
    upper = bytes(code - 0x20 if ord("a") <= code <= ord("z") else code for code in range(256))
    shown = Letters.from_bytes(column.starts, column.translated(upper))
    assert texts_of(shown) == [
        "".join(letter.upper() if letter.isascii() else letter for letter in text or "") for text in texts
    ]


@given(texts=TEXTS, length=st.integers(1, 20), for_all=st.booleans(), data=st.data())
def test_texts_are_replaced_in_their_rows(
    texts: list[str | None], length: int, for_all: bool, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    codes = np.arange(0 if for_all else len(texts) - 1, -1, -1)[:, np.newaxis] + np.full(length, ord("a"))
    shown = letters(texts).replaced_by(codes.astype(np.uint8), np.array(rows))
    by = [chr(code) * length for code in np.broadcast_to(codes[:, 0], len(texts))]
    assert shown.to_list() == [
        None if text is None else by[row] if rows[row] else "" for row, text in enumerate(texts)
    ]


def test_a_long_text_that_is_one_for_all_is_read_from_its_beginning() -> None:
    """Arrow's views hold where a text that is longer than they are begins."""
    one = np.full((1, 15), ord("a"), np.uint8)
    shown = letters(["x", "y", None, "z"]).replaced_by(one, np.array([True, True, True, False]))
    assert shown.to_list() == ["a" * 15, "a" * 15, None, ""]
