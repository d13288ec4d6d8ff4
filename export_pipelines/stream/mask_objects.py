"""Masks inside JSON objects: by the path of a declared value, and wherever a masked value of the same lead returns."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import simplejson

from export_pipelines.errors import DataError
from export_pipelines.plan.plan import Mask, OutputColumn, Plan, Seal
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.mask_values import NOTHING, as_text, canonical, hider

UNDECLARED = "*"
SHORTEST = 3  # characters; what is shorter is found everywhere and tells nothing
PHONE_DIGITS = 7  # fewer digits are found in every long number
NO_DIGITS = r"[^0-9]+"
NUMBER = re.compile(r"[+(]{0,2}\d(?:[\s()./-]*\d)+")
Hide = Callable[[str], str | None]
Watched = list[tuple[str, str]]  # semantic type and value of what is masked in the same row


def seal_objects(plan: Plan, frame: pl.DataFrame, column: OutputColumn, keys: Keys) -> tuple[pl.Series, int]:
    """The JSON texts of `column` with every masked value hidden, and how many values were hidden.

    Only rows in which something may have to be hidden go through Python; the others keep their text as it is.
    """
    assert plan.masking
    types = {one.name: one.type for one in plan.masking.query.columns}
    watched = {name: as_text(frame[name]).alias(name) for name in plan.masking.watched}
    texts, sealed = frame[column.source].alias(column.id), _Sealed(column.seals, keys)
    suspects = texts.is_not_null().arg_true() if column.seals else _suspects(texts, watched, types)
    if not len(suspects):
        return texts, 0
    values = [(types[name], one.gather(suspects).to_list()) for name, one in watched.items()]
    replaced = [
        sealed.apply(text, [(type, one[row]) for type, one in values if one[row]])
        for row, text in enumerate(texts.gather(suspects))
    ]
    return texts.scatter(suspects, pl.Series(replaced, dtype=pl.String)), sealed.hidden


def _suspects(texts: pl.Series, watched: dict[str, pl.Series], types: dict[str, str]) -> pl.Series:
    """The rows whose text may hold one of its lead's watched values: no row is missed, some are looked at in vain.

    Escapes hide letters and upper case has its own rules outside ASCII, so those rows are all looked at.
    """
    text = pl.col("text")
    folded = pl.DataFrame({"text": texts}).select(
        text, text.str.to_lowercase().alias("folded"), text.str.replace_all(NO_DIGITS, "").alias("digits")
    )
    tests = [text.str.contains("\\", literal=True)]
    for name, values in watched.items():
        value = pl.lit(values)
        long = value.str.len_chars() >= SHORTEST
        foreign = value.str.len_bytes() != value.str.len_chars()
        tests.append(long & (foreign | pl.col("folded").str.contains(value.str.to_lowercase(), literal=True)))
        if types[name] == "phone":
            digits = value.str.replace_all(NO_DIGITS, "")
            number = pl.when(digits.str.contains(r"^1\d{10}$")).then(digits.str.slice(1)).otherwise(digits)
            tests.append((number != "") & pl.col("digits").str.contains(number, literal=True))
    found = folded.select(text.is_not_null() & pl.any_horizontal(test.fill_null(False) for test in tests))
    return found["text"].arg_true()


class _Sealed:
    def __init__(self, seals: tuple[Seal, ...], keys: Keys) -> None:
        self.hides = {seal.path: _hide(seal, keys) for seal in seals}
        self.hidden = 0

    def apply(self, text: str, watched: Watched) -> str:
        repeats = _repeated(text, watched)
        if not self.hides and not repeats:
            return text
        try:
            value = simplejson.loads(text, use_decimal=True)
        except ValueError as error:
            raise DataError("JSON that does not parse") from error
        before, sealed = self.hidden, self._walk(value, "", repeats)
        if self.hidden == before:
            return text
        return _written(sealed)

    def _walk(self, value: Any, path: str, repeats: Watched) -> Any:
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

    def _replace(self, value: Any, hide: Hide | None, repeats: Watched, path: str) -> Any:
        if hide is None:  # kept where all else is masked
            return self._without_repeats(value, repeats)
        if value is None:
            return None
        self.hidden += 1
        text = (
            value if isinstance(value, str) else simplejson.dumps(value, use_decimal=True, ensure_ascii=False)
        )
        return hide(text)

    def _key(self, key: str, repeats: Watched) -> str:
        """An undeclared key may itself be a value that is to be hidden."""
        return str(self._without_repeats(key, repeats))

    def _without_repeats(self, value: Any, repeats: Watched) -> Any:
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

    def _scrubbed(self, text: str, repeats: Watched) -> str:
        for type, value in repeats:
            text, found = _cut(text, value)
            self.hidden += found
            if type == "phone":
                text, found = _cut_number(text, canonical("phone", value))
                self.hidden += found
        return text


def _written(value: Any) -> str:
    """JSON text; escaped where it holds half a character, which a store of bytes may and UTF-8 cannot."""
    text = str(simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":")))
    try:
        text.encode()
    except UnicodeEncodeError:
        return str(simplejson.dumps(value, use_decimal=True, separators=(",", ":")))
    return text


def _hide(seal: Seal, keys: Keys) -> Hide | None:
    if seal.mask is None:
        return None
    if seal.mask is Mask.REMOVE:
        return lambda text: None
    return hider(seal.type, seal.mask, keys)


def _repeated(text: str, watched: Watched) -> Watched:
    """Those of the values that the text may hold: by letters without case, phones by digits; all, if it has escapes."""
    long = [(type, value) for type, value in watched if len(value) >= SHORTEST]
    if "\\" in text:
        return long
    folded, digits = text.casefold(), re.sub(NO_DIGITS, "", text)
    return [
        (type, value)
        for type, value in long
        if value.casefold() in folded or (type == "phone" and canonical("phone", value) in digits)
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


def _cut_number(text: str, digits: str) -> tuple[str, int]:
    """`text` with every number replaced by stars that holds these digits, whatever signs stand between them."""
    if len(digits) < PHONE_DIGITS or digits not in re.sub(NO_DIGITS, "", text):
        return text, 0
    numbers = [one.group() for one in NUMBER.finditer(text)]
    holding = [one for one in numbers if digits in re.sub(NO_DIGITS, "", one)]
    for one in holding:
        text = text.replace(one, NOTHING)
    return text, len(holding)
