"""Prefilter: which texts can hold anything that a recogniser finds. None is missed; most are read no further.

`kernel` has the pass over the bytes; here is what it is told of each row, of letters, and of the keys of JSON.
"""

import re
from collections.abc import Callable, Collection
from functools import cached_property, lru_cache

import numpy as np
import polars as pl

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.mask import kernel
from export_pipelines.mask.folded import folded
from export_pipelines.mask.kernel import ENCODED, FOREIGN_DIGIT, KEY, NEVER, OWN, Flags
from export_pipelines.transform.letters import Letters, Rows, letters_of

Values = tuple[str, pl.Series]  # semantic type, and what is stored in each row

NEAR_OWN = ENCODED | FOREIGN_DIGIT | NEVER | OWN  # of a text that may hold one of the row's own values
MOST_KEYS, LEARNED_AT_ONCE = 1 << 14, 100
KEY_IN_JSON = re.compile(r'"([^"\\]{0,64})"\s*:')


class KnownKeys:
    """Keys of JSON under which nothing is hidden. They are learned from the texts: there are few in a column."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self.seen: set[str] = set()
        self.known = kernel.Keys([])

    def learn(self, texts: pl.Series, rows: Rows) -> bool:
        """Whether one was learned from the texts of these rows."""
        more = {key for text in texts[rows[:LEARNED_AT_ONCE].tolist()] for key in KEY_IN_JSON.findall(text)}
        more = {key for key in more - self.seen if self._hides_nothing(key)}
        if not more or len(self.seen) + len(more) > MOST_KEYS:
            return False
        self.seen |= more
        self.known = kernel.Keys([key.encode() for key in self.seen])
        return True

    def _hides_nothing(self, key: str) -> bool:
        last = key.rpartition(".")[2].removesuffix("[]")
        return self.hidden.isdisjoint((key, last)) and never_exported_type(key) is None


@lru_cache(64)
def keys_beside(hidden: frozenset[str]) -> KnownKeys:
    """Of columns in which these keys are hidden."""
    return KnownKeys(hidden)


class Prefilter:
    """Of a batch of so many rows with these `own` values, and those of `never` exported types. Rows that have `more` of
    both are flagged wherever they hold a text; `letters` gives those of a series."""

    def __init__(
        self,
        own: list[Values],
        never: list[Values],
        rows: int,
        more: Collection[int] = (),
        letters: Callable[[pl.Series], Letters] = letters_of,
    ) -> None:
        self.more = np.fromiter(more, np.int64)
        self.letters = letters
        self._own, self._never, self._number = own, never, rows

    @cached_property
    def rows(self) -> kernel.Rows:
        """Made when a text is asked: many exports have none."""
        days = [stored for type, stored in self._own if type == "dob"]
        rows = kernel.Rows(self._number, folded(), years=len(days), numbers=len(self._never))
        for n, stored in enumerate(days):
            rows.years[:, n] = 1970 + stored.to_numpy().astype("datetime64[Y]").astype(np.int64)
        for n, (_, stored) in enumerate(self._never):
            rows.add_numbers(n, self.letters(stored))
        for type, stored in self._own:
            if type != "dob":
                rows.add_words(self.letters(stored), is_name=type == "name")
        return rows

    def flags(self, texts: pl.Series, keys: KnownKeys | None = None, *, is_url: bool = False) -> Flags:
        """Of the texts of a column; with `keys`, of one of JSON."""
        letters = self.letters(texts)
        flags = self.rows.scan(letters, keys.known if keys else None, is_url=is_url)
        while keys and (flags & KEY).any() and keys.learn(texts, np.flatnonzero(flags & KEY)):
            flags = self.rows.scan(letters, keys.known, is_url=is_url)
        flags[self.more[letters.lengths[self.more] > 0]] |= NEVER | OWN
        return flags
