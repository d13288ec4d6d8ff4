"""JSON without blanks, and what its values mean, are what Python's own writer and reader give, whatever stands in strings."""

import json

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.transform.json_texts import compact, meant

TEXTS = st.text(' "\\\n\té{}[]:,a', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


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
    series = pl.Series("", stored, dtype=pl.String)
    assert compact(series[start:]).to_list() == [written(value) for value in values[start:]]


@given(st.lists(VALUES, max_size=5), st.booleans(), st.sets(st.integers(0, 4)))
def test_strings_are_their_letters_null_is_nothing_and_others_are_as_written(
    values: list[object], is_escaped: bool, absent: set[int]
) -> None:
    stored = [json.dumps(value, indent=1, ensure_ascii=is_escaped) for value in values]
    texts = [value if isinstance(value, str) else written(value, is_escaped) for value in values]
    series = pl.Series("", [None if n in absent else text for n, text in enumerate(stored)], dtype=pl.String)
    assert meant(series).to_list() == [None if n in absent else text for n, text in enumerate(texts)]
