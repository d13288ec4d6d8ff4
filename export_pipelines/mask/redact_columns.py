"""Redaction of columns of texts: what looks like personal data becomes stars, whoever it belongs to."""

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from urllib.parse import unquote_plus

import numpy as np
import polars as pl

from export_pipelines.mask.kernel import NEVER, Flags
from export_pipelines.mask.own import NOBODY, Own, own_of
from export_pipelines.mask.prefilter import NEAR_OWN, Values
from export_pipelines.mask.reading import unescaped
from export_pipelines.mask.recognise import (
    Recogniser,
    addresses,
    addresses_in_url,
    never_exported,
    numbers,
    numbers_but_versions,
    own_words,
    redact,
    users,
)
from export_pipelines.transform.letters import Rows, arrow_texts

Redactor = Callable[[str, Own], str]
TEXT: tuple[Recogniser, ...] = (addresses, users, numbers, own_words, never_exported)
AGENT: tuple[Recogniser, ...] = (addresses, users, numbers_but_versions, own_words, never_exported)
IN_URL: tuple[Recogniser, ...] = (addresses_in_url, users, numbers, own_words, never_exported)
# of what may stand for a host by its place; a port has digits alone, so that the rest is a password with a / or ? in it
USER = re.compile(
    r"^(\s*(?:(?:https?|ftp|wss?):[/\\]*|(?:[a-z][\w+.-]*:)?//))(?:[^/\\?#]*@|[^/\\?#@:\[\]]+:(?![0-9]*(?:[/\\?#]|$))[^@]*@)",
    re.IGNORECASE,
)


def redacted(
    texts: pl.Series, flags: Flags, own: dict[int, Own], redactor: Redactor, shown: pl.Series | None = None
) -> tuple[pl.Series, int]:
    """The texts redacted where they may hold something, and how many of them changed; those that hold nothing are as in
    `shown`, if it is given. `own` has the own values of the rows that may hold one of them."""
    near = flags & NEAR_OWN > 0
    found_alone = np.flatnonzero((flags > 0) & ~near)
    shown, hidden = _by_value(texts if shown is None else shown, texts, found_alone, redactor)
    rows = np.flatnonzero(near).tolist()
    changed = {
        row: after
        for row, text in zip(rows, texts[rows], strict=True)
        if (after := redactor(text, own[row])) != text
    }
    if not changed:
        return shown, hidden
    return _scattered(shown, list(changed), pl.Series(list(changed.values()))), hidden + len(changed)


def without_never_exported(texts: pl.Series, flags: Flags, own: dict[int, Own]) -> tuple[pl.Series, int]:
    """The texts without what is never exported, and how many of them changed."""
    return redacted(texts, flags & NEVER, own, lambda text, values: redact(text, values, (never_exported,)))


def own_at(
    rows: list[int],
    values: list[Values],
    more: Mapping[int, Iterable[tuple[str, str]]] = MappingProxyType({}),
) -> dict[int, Own]:
    """The own values of these rows, of which some have `more`."""
    if not rows:
        return {}
    stored = [(type, column[rows].cast(pl.String).to_list()) for type, column in values]
    return {
        row: own_of(chain(((type, values[n]) for type, values in stored if values[n]), more.get(row, ())))
        for n, row in enumerate(rows)
    }


def redactor(type: str, query: tuple[str, ...] = ()) -> Redactor:
    """How one text of this semantic type is redacted."""
    if type == "url":
        return lambda text, own: redacted_url(text, own, query)
    recognisers = AGENT if type == "user_agent" else TEXT
    return lambda text, own: redact(text, own, recognisers)


@lru_cache(256)
def redacted_url(url: str, own: Own, query: tuple[str, ...]) -> str:
    """Scheme, host and path, redacted, without user and fragment; of the query only parameters that match `query`."""
    url = unescaped(url)
    head, _, parameters = USER.sub(r"\1", url).partition("#")[0].partition("?")
    kept = [name for name in re.split("[&;]", parameters) if _is_kept(name, query)]
    return redact(head + ("?" + "&".join(kept) if kept else ""), own, IN_URL)


def _is_kept(parameter: str, query: tuple[str, ...]) -> bool:
    name = unquote_plus(parameter.partition("=")[0]).lower()
    return any(fnmatchcase(name, glob) for glob in query)


def _by_value(shown: pl.Series, texts: pl.Series, rows: Rows, redactor: Redactor) -> tuple[pl.Series, int]:
    """Each distinct text of these rows is redacted once."""
    if not len(rows):
        return shown, 0
    encoded = arrow_texts(texts[rows]).dictionary_encode()
    before, codes = encoded.dictionary.to_pylist(), pl.Series(encoded.indices).to_numpy()
    after = [redactor(text, NOBODY) for text in before]
    changed = np.array([name != other for name, other in zip(after, before, strict=True)])[codes]
    if not changed.any():
        return shown, 0
    return _scattered(shown, rows[changed], pl.Series(after)[codes[changed]]), int(changed.sum())


def _scattered(shown: pl.Series, rows: Rows | list[int], texts: pl.Series) -> pl.Series:
    return shown.clone().scatter(rows, texts)
