"""Masks inside JSON objects: by the path of a declared value, and wherever a masked value of the same lead returns."""

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
import simplejson

from export_pipelines.errors import DataError
from export_pipelines.plan.plan import Mask, OutputColumn, Plan, Seal
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.mask_values import NOTHING, as_text, canonical, hider

UNDECLARED = "*"
SHORTEST = 3  # characters; what is shorter is found everywhere and tells nothing
Hide = Callable[[str], str | None]


def seal_objects(plan: Plan, frame: pl.DataFrame, column: OutputColumn, keys: Keys) -> tuple[pl.Series, int]:
    """The JSON texts of `column` with every masked value hidden, and how many values were hidden."""
    assert plan.masking
    sealed = _Sealed(column.seals, keys)
    types = {one.name: one.type for one in plan.masking.query.columns}
    watched = [(types[name], as_text(frame[name])) for name in plan.masking.watched]
    texts = []
    for row, text in enumerate(frame[column.source]):
        values = [(type, value) for type, one in watched if (value := one[row]) and len(value) >= SHORTEST]
        texts.append(sealed.apply(text, values))
    return pl.Series(column.id, texts, dtype=pl.String), sealed.hidden


class _Sealed:
    def __init__(self, seals: tuple[Seal, ...], keys: Keys) -> None:
        self.hides = {seal.path: _hide(seal, keys) for seal in seals}
        self.hidden = 0

    def apply(self, text: str | None, watched: list[tuple[str, str]]) -> str | None:
        if text is None:
            return None
        repeats = _repeated(text, watched)
        if not self.hides and not repeats:
            return text
        try:
            value = simplejson.loads(text, use_decimal=True)
        except ValueError as error:
            raise DataError("JSON that does not parse") from error
        return simplejson.dumps(
            self._walk(value, "", repeats), use_decimal=True, ensure_ascii=False, separators=(",", ":")
        )

    def _walk(self, value: Any, path: str, repeats: list[tuple[str, str]]) -> Any:
        if path in self.hides:
            return self._replace(value, self.hides[path], repeats, path)
        if isinstance(value, dict):
            return {
                self._key(key, repeats): self._walk(inner, f"{path}.{key}" if path else key, repeats)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._walk(inner, f"{path}[]", repeats) for inner in value]
        if path and UNDECLARED in self.hides:
            return self._replace(value, self.hides[UNDECLARED], repeats, path)
        return self._without_repeats(value, repeats)

    def _replace(self, value: Any, hide: Hide | None, repeats: list[tuple[str, str]], path: str) -> Any:
        if hide is None:  # kept where all else is masked
            return self._without_repeats(value, repeats)
        if value is None:
            return None
        self.hidden += 1
        text = (
            value if isinstance(value, str) else simplejson.dumps(value, use_decimal=True, ensure_ascii=False)
        )
        return hide(text)

    def _key(self, key: str, repeats: list[tuple[str, str]]) -> str:
        """An undeclared key may itself be a value that is to be hidden."""
        return str(self._without_repeats(key, repeats))

    def _without_repeats(self, value: Any, repeats: list[tuple[str, str]]) -> Any:
        if isinstance(value, dict | list):
            return simplejson.loads(
                self._scrubbed(simplejson.dumps(value, use_decimal=True, ensure_ascii=False), repeats),
                use_decimal=True,
            )
        if not repeats or value is None or isinstance(value, bool):
            return value
        text = value if isinstance(value, str) else str(value)
        scrubbed = self._scrubbed(text, repeats)
        return value if scrubbed == text else scrubbed

    def _scrubbed(self, text: str, repeats: list[tuple[str, str]]) -> str:
        for type, value in repeats:
            if type == "phone" and canonical("phone", text) == canonical("phone", value):
                self.hidden += 1
                return NOTHING
            text, found = _cut(text, value)
            self.hidden += found
        return text


def _hide(seal: Seal, keys: Keys) -> Hide | None:
    if seal.mask is None:
        return None
    if seal.mask is Mask.REMOVE:
        return lambda text: None
    return hider(seal.type, seal.mask, keys)


def _repeated(text: str, watched: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the values that the text holds, as a quick look tells: by letters without case, phones by digits."""
    folded = text.casefold()
    digits = "".join(sign for sign in text if sign.isdigit())
    return [
        (type, value)
        for type, value in watched
        if simplejson.dumps(value, ensure_ascii=False)[1:-1].casefold() in folded
        or value.casefold() in folded
        or (type == "phone" and canonical("phone", value) in digits)
    ]


def _cut(text: str, value: str) -> tuple[str, int]:
    """`text` with every occurrence of `value`, in any case, replaced by stars."""
    folded, wanted = text.casefold(), value.casefold()
    if wanted not in folded:
        return text, 0
    if len(folded) != len(text):  # positions differ: nothing of such a text is shown
        return NOTHING, 1
    pieces, start, found = [], 0, 0
    while (at := folded.find(wanted, start)) >= 0:
        pieces += [text[start:at], NOTHING]
        start, found = at + len(wanted), found + 1
    return "".join([*pieces, text[start:]]), found
