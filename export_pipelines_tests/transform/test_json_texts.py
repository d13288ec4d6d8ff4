"""JSON without blanks, and what its values mean, are what Python's own writer and reader give, whatever stands in strings."""

import json

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.transform.json_texts import meant, without_blanks
from export_pipelines.transform.letters import arrow_texts

TEXTS = st.text(' "\\\n\té{}[]:,a', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)

LONG = st.dictionaries(st.text(' "\\é{}:,a', max_size=70), st.text(' "\\}],:a', max_size=70), max_size=3)


def written(value: object, is_escaped: bool = False) -> str | None:
    """Without blanks; nothing where there is no value."""
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=is_escaped)


@given(st.lists(st.none() | VALUES, max_size=5), st.sampled_from([None, 0, 2]), st.integers(0, 2))
def test_blanks_between_letters_go_and_those_in_strings_stay(
    values: list[object], indent: int | None, start: int
) -> None:
    stored = [
        None if value is None else json.dumps(value, indent=indent, ensure_ascii=False) for value in values
    ]
    texts = arrow_texts(pl.Series("", stored, dtype=pl.String))
    assert without_blanks(texts[start:]).to_pylist() == [written(value) for value in values[start:]]


@given(st.lists(LONG, max_size=3), st.sampled_from([" ", "\n", "\t"]), st.data())
def test_texts_without_blanks_are_not_copied_and_no_blank_is_missed(
    values: list[object], blank: str, data: st.DataObject
) -> None:
    texts = [written(value) or "" for value in values]
    stored = arrow_texts(pl.Series("", texts, dtype=pl.String))
    assert without_blanks(stored) is stored
    for n, text in enumerate(texts):
        places = [place for place in range(len(text) + 1) if json_with(text, place, blank) == values[n]]
        place = data.draw(st.sampled_from(places))
        spaced = [*texts[:n], text[:place] + blank + text[place:], *texts[n + 1 :]]
        assert without_blanks(arrow_texts(pl.Series("", spaced))).to_pylist() == texts


def json_with(text: str, place: int, blank: str) -> object:
    """The value of a text with a blank at that place; nothing if it is none."""
    try:
        return json.loads(text[:place] + blank + text[place:])
    except ValueError:
        return None


@given(st.lists(VALUES, max_size=5), st.booleans(), st.sets(st.integers(0, 4)))
def test_strings_are_their_letters_null_is_nothing_and_others_are_as_written(
    values: list[object], is_escaped: bool, absent: set[int]
) -> None:
    stored = [json.dumps(value, indent=1, ensure_ascii=is_escaped) for value in values]
    texts = [value if isinstance(value, str) else written(value, is_escaped) for value in values]
    series = pl.Series("", [None if n in absent else text for n, text in enumerate(stored)], dtype=pl.String)
    assert meant(arrow_texts(series)).to_list() == [
        None if n in absent else text for n, text in enumerate(texts)
    ]
