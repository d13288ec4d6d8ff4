"""Letters beyond ASCII are read when a text has them: what the pass finds does not depend on what was met before."""

from functools import cache

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.mask.folded import PAGE, PLANES, Folded
from export_pipelines.mask.kernel import OWN, Rows
from export_pipelines.transform.letters import letters_of

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=3, max_size=3)


@cache
def read_at_once() -> Folded:
    folded = Folded()
    for page in range(PLANES // PAGE):
        folded.read(page)
    return folded


def flags(folded: Folded, names: list[str], streets: list[str], texts: list[str]) -> list[int]:
    rows = Rows(len(texts), folded, years=0, numbers=0)
    rows.add_words(letters_of(pl.Series(names)), is_name=True)
    rows.add_words(letters_of(pl.Series(streets)), is_name=False)
    return [int(flag) for flag in rows.scan(letters_of(pl.Series(texts)), None, is_url=False)]


@given(TEXTS, TEXTS, TEXTS)
def test_a_fresh_table_finds_what_a_whole_one_does(
    names: list[str], streets: list[str], others: list[str]
) -> None:
    texts = [f"{other} {name} {street}" for other, name, street in zip(others, names, streets, strict=True)]
    assert flags(Folded(), names, streets, texts) == flags(read_at_once(), names, streets, texts)


def test_a_name_of_letters_that_were_not_read_is_found() -> None:
    assert flags(Folded(), ["Zoë"], [""], ["by Zoe"]) == [OWN]
    assert flags(Folded(), ["Zoe"], [""], ["by Ｚoë"]) == [OWN]
