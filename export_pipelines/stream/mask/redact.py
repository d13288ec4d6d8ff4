"""Redaction of columns of texts: what looks like personal data becomes stars, whoever it belongs to."""

import html
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

import numpy as np
import polars as pl

from export_pipelines.stream.letters import arrow_texts
from export_pipelines.stream.mask import prefilter
from export_pipelines.stream.mask.own import Own, is_near, own_of
from export_pipelines.stream.mask.reading import DEPTH
from export_pipelines.stream.mask.recognise import (
    Recogniser,
    addresses,
    addresses_in_url,
    never_exported,
    numbers,
    numbers_but_versions,
    own_words,
    redact,
)

Redactor = Callable[[str, Own], str]
NOBODY = Own()
TEXT: tuple[Recogniser, ...] = (addresses, numbers, own_words, never_exported)
AGENT: tuple[Recogniser, ...] = (addresses, numbers_but_versions, own_words, never_exported)
NEVER: tuple[Recogniser, ...] = (never_exported,)
IN_URL: tuple[Recogniser, ...] = (addresses_in_url, numbers, own_words, never_exported)
ENTITY = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][0-9A-Za-z]{1,31}(?=;));?")
USER = re.compile(r"^(\s*(?:[A-Za-z][\w+.-]*:)?//)[^/?#]*@")


class Column(NamedTuple):
    """Texts of a semantic type that are redacted; `query` names the parameters that URLs keep."""

    texts: pl.Series
    type: str
    query: tuple[str, ...]

    @property
    def redactor(self) -> Redactor:
        return redactor(self.type, self.query)


def redacted(columns: list[Column], own: dict[int, Own]) -> tuple[list[pl.Series], int]:
    """The texts of each column redacted, and how many of them changed; `own` has the own values of the rows that may
    hold one of them."""
    if not columns:
        return [], 0
    shown, hidden = _by_value(columns)
    for n, column in enumerate(columns):
        shown[n], more = _by_row(shown[n], column.texts, own, column.redactor)
        hidden += more
    return shown, hidden


def without_never_exported(texts: pl.Series, own: dict[int, Own]) -> tuple[pl.Series, int]:
    """The texts without what is never exported, in the rows of `own`, and how many of them changed."""
    return _by_row(
        texts, texts, own, lambda text, values: redact(text, values, NEVER), lambda text, values: True
    )


def own_at(rows: list[int], values: list[prefilter.Values]) -> dict[int, Own]:
    """The own values of these rows."""
    if not rows:
        return {}
    stored = [(type, one[rows].cast(pl.String).to_list()) for type, one in values]
    return {row: own_of((type, found[n]) for type, found in stored if found[n]) for n, row in enumerate(rows)}


def redactor(type: str, query: tuple[str, ...] = ()) -> Redactor:
    """How one text of this semantic type is redacted."""
    if type == "url":
        return lambda text, own: redacted_url(text, own, query)
    recognisers = AGENT if type == "user_agent" else TEXT
    return lambda text, own: redact(text, own, recognisers)


@lru_cache(4096)
def redacted_url(url: str, own: Own, query: tuple[str, ...]) -> str:
    """Scheme, host and path, redacted, without user and fragment; of the query only parameters that match `query`."""
    for _ in range(DEPTH):
        url = ENTITY.sub(lambda found: html.unescape(found.group()), url)
    head, _, parameters = USER.sub(r"\1", url).partition("#")[0].partition("?")
    kept = [one for one in parameters.split("&") if _is_kept(one, query)]
    return redact(head + ("?" + "&".join(kept) if kept else ""), own, IN_URL)


def _is_kept(parameter: str, query: tuple[str, ...]) -> bool:
    name = unquote_plus(parameter.partition("=")[0]).lower()
    return any(fnmatchcase(name, glob) for glob in query)


def _by_value(columns: list[Column]) -> tuple[list[pl.Series], int]:
    """Each distinct text of a column is redacted once."""
    encoded = [arrow_texts(one.texts).dictionary_encode() for one in columns]
    distinct = [pl.Series(one.dictionary) for one in encoded]
    shown, hidden = [], 0
    flags = prefilter.can_hold(distinct, prefilter.TEXT)
    for column, texts, codes, found in zip(columns, distinct, encoded, flags, strict=True):
        trimmed = prefilter.can_hold([texts], "[?#]")[0] if column.type == "url" else False
        rows = np.flatnonzero(found | trimmed)
        after = [column.redactor(text, NOBODY) for text in texts[rows]] if len(rows) else []
        changed = [
            n for n, (row, text) in enumerate(zip(rows.tolist(), after, strict=True)) if text != texts[row]
        ]
        if not changed:
            shown.append(column.texts)
            continue
        rows = rows[changed]
        distinct_shown = texts.scatter(rows, pl.Series([after[n] for n in changed], dtype=pl.String))
        shown.append(pl.Series(arrow_texts(distinct_shown).take(codes.indices)))
        hidden += int(np.isin(codes.indices.fill_null(-1).to_numpy(), rows).sum())
    return shown, hidden


def _by_row(
    shown: pl.Series,
    texts: pl.Series,
    own: dict[int, Own],
    redactor: Redactor,
    must_be_read: Callable[[str, Own], bool] = is_near,
) -> tuple[pl.Series, int]:
    """`shown` with the texts of these rows redacted with the row's own values, and how many of them changed by that."""
    if not own:
        return shown, 0
    found = texts[list(own)].to_list()
    changed = {
        row: after
        for (row, values), text in zip(own.items(), found, strict=True)
        if text is not None and must_be_read(text, values) and (after := redactor(text, values)) != text
    }
    if not changed:
        return shown, 0
    return shown.clone().scatter(list(changed), pl.Series(changed.values(), dtype=pl.String)), len(changed)
