"""Masks inside JSON objects: declared values by their path, all others by the word for the object around them."""

import re
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import simplejson
from simplejson import RawJSON

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES, Kind
from export_pipelines.mask.kernel import KEY, NEVER, Flags
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.own import NOBODY, Own
from export_pipelines.mask.prefilter import KnownKeys, keys_beside
from export_pipelines.mask.recognise import STARS, never_exported, redact
from export_pipelines.mask.redact_columns import redactor
from export_pipelines.mask.value_masks import WHOLE, masked
from export_pipelines.plan.plan import Mask, Seal, shows_text
from export_pipelines.transform.components import is_valid

UNDECLARED = "*"
LONG_NUMBER = 9  # digits of a whole number that may be somebody's
MOST_SHIFT = 30  # of its point, by an exponent
NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
HIDING = frozenset({Mask.REMOVE, Mask.HASH, Mask.TOKENIZE, Mask.MASK})
NOWHERE = "\0"  # a path that no seal has
TEXTS = frozenset(
    semantic_type.name
    for semantic_type in SEMANTIC_TYPES.values()
    if semantic_type.kind in (Kind.TEXT, Kind.DATE) and semantic_type.name != "id"
)  # of which a number is no value
OPEN = frozenset(semantic_type.name for semantic_type in SEMANTIC_TYPES.values() if semantic_type.open)


class Objects(NamedTuple):
    """A column of JSON texts, and what is hidden in them."""

    texts: pl.Series
    seals: tuple[Seal, ...]

    def known_keys(self) -> KnownKeys:
        """Those beside the ones under which something is hidden whatever it looks like."""
        hiding = [
            seal
            for seal in self.seals
            if seal.mask in HIDING or (seal.mask is Mask.REDACT and seal.type in (*WHOLE, "url"))
        ]
        return keys_beside(frozenset(seal.path.rpartition(".")[2].removesuffix("[]") for seal in hiding))

    def may_hide(self, flags: Flags) -> Flags:
        """Of the flags those of the texts in which something may have to be hidden."""
        if any(seal.mask in HIDING and seal.path.endswith(UNDECLARED) for seal in self.seals):
            return np.where(self.texts.is_null().to_numpy(), np.uint8(0), flags | KEY)
        redacts = any(seal.mask is Mask.REDACT for seal in self.seals)
        return flags if redacts else flags & (NEVER | KEY)


class UnreadObject(Exception):
    """JSON that cannot be looked into; `row` is its position in `column`, `what` says why."""

    column = ""

    def __init__(self, row: int, what: str) -> None:
        self.row, self.what = row, what
        super().__init__(what)


def sealed(column: Objects, flags: Flags, own: dict[int, Own], keys: Keys) -> tuple[pl.Series, int]:
    """JSON texts with values hidden where they may have to be, and how many; `own` has the rows' own values. Raises
    UnreadObject."""
    rows = np.flatnonzero(flags).tolist()
    walk = _Walk(column.seals, keys)
    texts = [(text, own.get(row, NOBODY)) for row, text in zip(rows, column.texts[rows], strict=True)]
    try:
        done = walk.all_of(texts)
    except (ValueError, RecursionError):
        for row, pair in zip(rows, texts, strict=True):
            _require_readable(row, pair, column.seals, keys)
        raise
    hidden = sum(done[text][1] for text in texts)
    if not hidden:
        return column.texts, 0
    return column.texts.clone().scatter(rows, pl.Series([done[text][0] for text in texts])), hidden


def _require_readable(row: int, text: tuple[str, Own], seals: tuple[Seal, ...], keys: Keys) -> None:
    try:
        _Walk(seals, keys).all_of([text])
    except RecursionError as error:
        raise UnreadObject(row, "JSON that is nested too deeply to be read") from error
    except ValueError as error:
        raise UnreadObject(row, "JSON that does not parse") from error


_KEY = Seal(path=NOWHERE, type="text", mask=Mask.REDACT)


class _Walk:
    """Goes through objects. Values that are hashed, tokenized or masked are seen first, and then hidden all at once."""

    def __init__(self, seals: tuple[Seal, ...], keys: Keys) -> None:
        self.seals = {seal.path: seal for seal in seals}
        self.keys = keys
        self.seen: dict[tuple[str, Mask], dict[str, str | None]] = {}
        # numbers keep the letters in which they are stored
        self.decoder = simplejson.JSONDecoder(
            parse_float=RawJSON, parse_int=RawJSON, object_pairs_hook=self._object
        )
        self.twice = False
        self.own, self.hidden, self.renamed = NOBODY, 0, 0

    def all_of(self, rows: list[tuple[str, Own]]) -> dict[tuple[str, Own], tuple[str, int]]:
        """What each distinct one becomes, and how many values were hidden in it."""
        distinct = dict.fromkeys(rows)
        parsed = [self._parsed(text) for text, _ in distinct]
        if any(seal.mask in (Mask.HASH, Mask.TOKENIZE, Mask.MASK) for seal in self.seals.values()):
            for (value, _), (_, self.own) in zip(parsed, distinct, strict=True):
                self._walk(value, "", self.seals.get(UNDECLARED))
            for (type, mask), texts in self.seen.items():
                shown = masked(pl.Series(list(texts), dtype=pl.String), type, mask, self.keys)
                self.seen[type, mask] = dict(zip(texts, shown, strict=True))
        return {row: self._written(*row, *pair) for row, pair in zip(distinct, parsed, strict=True)}

    def _parsed(self, text: str) -> tuple[Any, bool]:
        """A text as Python values, and whether a key stands twice in an object: then only the first of its values is here,
        as the fields inside it are read, and the others must not go out."""
        self.twice = False
        return self.decoder.decode(text), self.twice

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self.twice = True
        firsts: dict[str, Any] = {}
        for key, value in pairs:
            firsts.setdefault(key, value)
        return firsts

    def _written(self, text: str, own: Own, value: Any, twice: bool) -> tuple[str, int]:
        self.hidden, self.own, self.renamed = int(twice), own, 0
        shown = self._walk(value, "", self.seals.get(UNDECLARED))
        return (_dumped(shown) if self.hidden else text), self.hidden

    def _walk(self, value: Any, path: str, star: Seal | None) -> Any:
        seal = self.seals.get(path)
        if seal and path:
            return self._hide(value, seal)
        if isinstance(value, dict):
            star = self.seals.get(f"{path}.{UNDECLARED}", star)
            return self._walk_object(value, path, star)
        if isinstance(value, list):
            within = f"{path}[]"  # a list may stand around what the catalog knows without one
            return [self._walk(inner, within if within in self.seals else path, star) for inner in value]
        return self._hide(value, star) if star else self._never(value)

    def _walk_object(self, value: dict[str, Any], path: str, star: Seal | None) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, inner in value.items():
            below = f"{path}.{key}" if path else key
            declared = below in self.seals
            if not declared and inner is not None and never_exported_type(key):
                self.hidden += 1
                shown[key] = None
            else:
                name = key if declared else self._key(key, star)
                while name in shown:
                    self.renamed += 1
                    name = f"{name}{self.renamed}"
                shown[name] = self._walk(inner, below, star)
        return shown

    def _key(self, key: str, star: Seal | None) -> str:
        """An undeclared key may itself be a value that is to be hidden."""
        kept = star is None or star.mask in (None, Mask.KEEP)
        return str(self._never(key) if kept else self._redact(key, _KEY))

    def _hide(self, value: Any, seal: Seal) -> Any:
        mask = seal.mask
        if mask is None or value is None:
            return value
        if mask in (Mask.KEEP, Mask.REDACT):
            if isinstance(value, dict | list):
                return self._walk(value, NOWHERE, seal)
            return self._redact(value, seal) if mask is Mask.REDACT else self._never(value)
        self.hidden += mask is Mask.REMOVE or value != ""
        if mask is Mask.REMOVE:
            return None
        text = value if isinstance(value, str) else _dumped(value)
        if shows_text(mask, seal.type):
            text = redact(text, self.own, (never_exported,))
        return self.seen.setdefault((seal.type, mask), {}).setdefault(text, None)

    def _redact(self, value: Any, seal: Seal) -> Any:
        type = seal.type
        if isinstance(value, RawJSON):
            hide = type in WHOLE or (type in TEXTS and len(_whole_number(value)) >= LONG_NUMBER)
            return self._changed(value, None) if hide else self._never(value)
        if not isinstance(value, str) or not value or (type not in OPEN and is_valid(type, value)):
            return self._never(value)
        return self._changed(value, STARS if type in WHOLE else redactor(type, seal.query)(value, self.own))

    def _never(self, value: Any) -> Any:
        if isinstance(value, RawJSON):
            return self._changed(value, None if _whole_number(value) in self.own.never else value)
        return (
            self._changed(value, redact(value, self.own, (never_exported,)))
            if isinstance(value, str)
            else value
        )

    def _changed(self, before: Any, after: Any) -> Any:
        self.hidden += after != before
        return after


def _whole_number(number: RawJSON) -> str:
    """The digits of a whole number, however it is spelled (`5125550142.0`, `5.125550142E9`); of any other none."""
    match = NUMBER.fullmatch(number.encoded_json)
    whole, fraction, exponent = match.groups("") if match else ("", "", "")
    shift = int(exponent or 0)
    if abs(shift) > MOST_SHIFT:
        return ""
    digits, point = f"{whole}{fraction}{'0' * shift}", len(whole) + shift
    return "" if digits[max(point, 0) :].strip("0") else digits[: max(point, 0)].lstrip("0")


_ENCODER = simplejson.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _dumped(value: Any) -> str:
    return str(_ENCODER.encode(value))
