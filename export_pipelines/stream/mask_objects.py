"""Masks inside JSON objects: by the path of a declared value, and wherever a masked value of the same row returns."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl
import simplejson

from export_pipelines.errors import DataError
from export_pipelines.plan.plan import Mask, Seal
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.mask_values import masked
from export_pipelines.stream.repeats import Parts, leaves, repeated, scrubbed
from export_pipelines.stream.spellings import BREAK
from export_pipelines.stream.watched import Watched, replaced

UNDECLARED = "*"
ESCAPE = "\\u"


def seal_objects(
    texts: pl.Series, seals: tuple[Seal, ...], watched: Watched, keys: Keys
) -> tuple[pl.Series, int]:
    """JSON texts with every masked value hidden, and how many values were hidden.

    Only rows in which something may have to be hidden go through Python; the others keep their text as it is.
    """
    rows = sorted({*watched.rows, *_may_be_sealed(texts, seals)})
    if not rows:
        return texts, 0
    found = {row: text for row, text in zip(rows, texts[rows], strict=True) if text is not None}
    sealed = _Sealed(seals, keys)
    shown = sealed.apply(list(found.values()), [watched.rows.get(row, ()) for row in found])
    changed = {
        row: after for (row, before), after in zip(found.items(), shown, strict=True) if after != before
    }
    return replaced(texts, changed), sealed.hidden


def _may_be_sealed(texts: pl.Series, seals: tuple[Seal, ...]) -> Iterable[int]:
    """The rows whose object has one of the keys; a key with escapes is looked at for its backslash."""
    masked = [seal for seal in seals if seal.mask is not None]
    if not masked:
        return ()
    if any(seal.path.endswith(UNDECLARED) for seal in masked):
        return range(len(texts))
    keys = {json.dumps(seal.path.rpartition(".")[2]) for seal in masked}
    tests = [pl.col("text").str.contains(key, literal=True) for key in {*keys, ESCAPE}]
    return pl.DataFrame({"text": texts}).select(pl.any_horizontal(tests)).to_series().arg_true()


class _Hidden:
    """The values at one path: first all are seen, then all are masked at once, then each is shown masked."""

    def __init__(self, seal: Seal, keys: Keys) -> None:
        self.seal, self.keys = seal, keys
        self.seen: set[str] = set()
        self.shown: dict[str, str | None] = {}

    def __call__(self, text: str) -> str | None:
        self.seen.add(text)
        return self.shown.get(text)

    def mask(self) -> None:
        if self.seal.mask and self.seal.mask is not Mask.REMOVE:
            texts = pl.Series(sorted(self.seen), dtype=pl.String)
            hidden = masked(texts, self.seal.type, self.seal.mask, self.keys)
            self.shown = dict(zip(texts, hidden, strict=True))


class _Sealed:
    def __init__(self, seals: tuple[Seal, ...], keys: Keys) -> None:
        self.hides: dict[str, _Hidden | None] = {
            seal.path: _Hidden(seal, keys) if seal.mask else None for seal in seals
        }
        self.read = _Reader()
        self.stars = any(path.endswith(UNDECLARED) for path in self.hides)
        self.hidden = 0

    def apply(self, texts: list[str], watched: list[Parts]) -> list[str]:
        parsed = [self.read(text) if self.hides or _must_be_parsed(text) else None for text in texts]
        if self.hides:
            for one in filter(None, parsed):
                self._walk(one.value, "", ())
            for hidden in filter(None, self.hides.values()):
                hidden.mask()
            self.hidden = 0
        return [self._sealed(*one) for one in zip(texts, parsed, watched, strict=True)]

    def _sealed(self, text: str, parsed: "_Parsed | None", watched: Parts) -> str:
        if parsed is None and not repeated(text, watched):
            return text
        value, twice = parsed or self.read(text)
        before = self.hidden
        sealed = self._walk(value, "", ()) if self.hides else value
        if watched and (repeats := repeated(BREAK.join(leaves(sealed, with_keys=True)), watched)):
            self.hidden = before
            sealed = self._walk(value, "", repeats)
        return _written(sealed) if twice or self.hidden > before else text

    def _walk(self, value: Any, path: str, repeats: Parts) -> Any:
        if path in self.hides:
            return self._replace(value, self.hides[path], repeats, path)
        if isinstance(value, dict):
            return {
                self._key(key, repeats): self._walk(inner, f"{path}.{key}" if path else key, repeats)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            within = f"{path}[]"  # a list may stand around what the catalog knows without one
            return [self._walk(inner, within if within in self.hides else path, repeats) for inner in value]
        star = self._star(path) if self.stars and path else ""
        if star in self.hides:
            return self._replace(value, self.hides[star], repeats, path)
        return self._without_repeats(value, repeats)

    def _star(self, path: str) -> str:
        """The seal for what is not declared in the innermost object around `path` that has one."""
        steps = path.split(".")[:-1]
        inner = (".".join([*steps[:length], UNDECLARED]) for length in range(len(steps), 0, -1))
        return next((star for star in inner if star in self.hides), UNDECLARED)

    def _replace(self, value: Any, hide: _Hidden | None, repeats: Parts, path: str) -> Any:
        if hide is None:  # kept where all else is masked
            return self._without_repeats(value, repeats)
        if value is None:
            return None
        self.hidden += 1
        return hide(value if isinstance(value, str) else _dumped(value))

    def _key(self, key: str, repeats: Parts) -> str:
        """An undeclared key may itself be a value that is to be hidden."""
        return str(self._without_repeats(key, repeats)) if repeats else key

    def _without_repeats(self, value: Any, repeats: Parts) -> Any:
        if not repeats or value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return {
                self._key(key, repeats): self._without_repeats(one, repeats) for key, one in value.items()
            }
        if isinstance(value, list):
            return [self._without_repeats(one, repeats) for one in value]
        text = value if isinstance(value, str) else str(value)
        shown = self._scrubbed(text, repeats)
        return value if shown == text else shown

    def _scrubbed(self, text: str, repeats: Parts) -> str:
        text, found = scrubbed(text, repeats)
        self.hidden += found
        return text


def _must_be_parsed(text: str) -> bool:
    """Whether it may hold a value that only a parser finds: a letter may be escaped as two halves, and a value that is
    escaped may itself have what a URL would undo."""
    return ESCAPE in text or ("\\" in text and "%" in text)


class _Parsed(NamedTuple):
    """JSON as Python values. A key may stand `twice` in an object: then only the last of its values is here, and the
    others must not go out."""

    value: Any
    twice: bool


class _Reader:
    """Parses JSON texts; to make a decoder takes longer than to decode most of them."""

    def __init__(self) -> None:
        self.decoder = simplejson.JSONDecoder(parse_float=Decimal, object_pairs_hook=self._object)
        self.twice = False

    def __call__(self, text: str) -> _Parsed:
        self.twice = False
        try:
            return _Parsed(self.decoder.decode(text), self.twice)
        except ValueError as error:
            raise DataError("JSON that does not parse") from error

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.twice |= len(found) < len(pairs)
        return found


_ENCODER = simplejson.JSONEncoder(use_decimal=True, ensure_ascii=False, separators=(",", ":"))
_ESCAPING = simplejson.JSONEncoder(use_decimal=True, separators=(",", ":"))


def _dumped(value: Any) -> str:
    return str(_ENCODER.encode(value))


def _written(value: Any) -> str:
    """JSON text; escaped where it holds half a character, which a store of bytes may and UTF-8 cannot."""
    text = _dumped(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return str(_ESCAPING.encode(value))
    return text
