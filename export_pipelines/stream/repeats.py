"""Masked values that stand once more in a text of the same row: in another case, escaped, or a number spelled in another way."""

import json
import re
from functools import cached_property
from urllib.parse import unquote_plus

import polars as pl

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.mask_values import NOTHING, as_text, canonical

SHORTEST = 3  # characters; what is shorter is found everywhere and tells nothing
PHONE_DIGITS = 7  # fewer digits are found in every long number
NO_DIGITS = r"[^0-9]+"
NUMBER = re.compile(r"[+(]{0,2}\d(?:[\s()./-]*\d)+")
LONG_NUMBER = r"\d(?:[\s()./-]*\d){6,}"
BREAK = "\0"  # between texts that are searched as one; no number and no value goes over it
NEVER = "\0\1"  # is in no text
NO_DIGITS_OR_BREAK = "[^0-9\0]+"
IN_JSON = r'["\\\x00-\x1f]'  # signs of a value that JSON spells in another way
Repeats = list[tuple[str, str]]  # semantic type and value of what is masked in the same row


class Watched:
    """The values that are masked in each row of `frame`, and the rows whose texts may hold one of them once more."""

    def __init__(self, plan: Plan, frame: pl.DataFrame) -> None:
        assert plan.masking
        types = {one.name: one.type for one in plan.masking.query.columns}
        self._values = [(types[name], as_text(frame[name])) for name in plan.masking.watched]
        searched = [one.source for one in plan.masking.columns if one.id in plan.masking.searched]
        self._texts = [frame[name].alias(str(n)) for n, name in enumerate(dict.fromkeys(searched))]
        self._height = frame.height

    @cached_property
    def rows(self) -> pl.Series:
        """Flags: no row that holds a value is missed, some are looked at in vain.

        All texts of a row are searched as one, row by row in Python: for values that differ from row to row this is
        ten times as fast as Polars' own search by column.
        """
        if not self._values or not self._texts:
            return pl.repeat(False, self._height, eager=True)
        joined = pl.concat_str(pl.all(), separator=BREAK, ignore_nulls=True)
        texts = pl.DataFrame(self._texts).select(joined.alias("text")).to_series()
        wanted = zip(*(_folded(values) for _, values in self._values), strict=True)
        flags = [_may_hold(text, row) for text, row in zip(texts.to_list(), wanted, strict=True)]
        found = pl.Series(flags, dtype=pl.Boolean)
        phones = [_digits(values) for type, values in self._values if type == "phone"]
        return found | _called(texts, phones) if phones else found

    def of(self, rows: pl.Series) -> list[Repeats]:
        """The values of each of these rows."""
        values = [(type, one.gather(rows).to_list()) for type, one in self._values]
        return [[(type, one[row]) for type, one in values if one[row]] for row in range(len(rows))]


def _folded(values: pl.Series) -> list[str]:
    """Values as they are looked for. One that JSON may spell in another way is found everywhere, so that it is looked at."""
    value = pl.col("value")
    sought = (
        pl.when(value.str.len_chars() < SHORTEST)
        .then(pl.lit(NEVER))
        .when(value.str.contains(IN_JSON))
        .then(pl.lit(""))
        .otherwise(value)
    )
    texts = values.to_frame("value").select(sought.fill_null(NEVER)).to_series()
    return [text.casefold() for text in texts.to_list()]


def _digits(values: pl.Series) -> list[str]:
    """National digits of phone numbers."""
    digits = pl.col("value").str.replace_all(NO_DIGITS, "")
    digits = pl.when(digits.str.contains(r"^1\d{10}$")).then(digits.str.slice(1)).otherwise(digits)
    long = pl.when(digits.str.len_chars() >= PHONE_DIGITS).then(digits).fill_null(NEVER)
    return values.to_frame("value").select(long).to_series().to_list()


def _called(texts: pl.Series, phones: list[list[str]]) -> pl.Series:
    """Whether a number of the text holds the digits of one of the row's phones, whatever signs stand between them."""
    numbers = texts.str.extract_all(LONG_NUMBER).list.join(BREAK).str.replace_all(NO_DIGITS_OR_BREAK, "")
    flags = [
        bool(found) and any(digits in found for digits in row)
        for found, row in zip(numbers.to_list(), zip(*phones, strict=True), strict=True)
    ]
    return pl.Series(flags, dtype=pl.Boolean)


def _may_hold(text: str, wanted: tuple[str, ...]) -> bool:
    folded = text.casefold()
    for value in wanted:
        if value in folded:
            return True
    if "\\u" in text or "\\/" in text:  # letters of JSON that are escaped
        return True
    if "%" in text or "+" in text:
        plain = unquote_plus(text).casefold()
        return any(value in plain for value in wanted)
    return False


def hide_repeats(watched: Watched, texts: pl.Series) -> tuple[pl.Series, int]:
    """`texts` with every masked value of the same row hidden, and how many were."""
    rows = (watched.rows & texts.is_not_null()).arg_true()
    if not len(rows):
        return texts, 0
    made = [
        scrubbed(text, repeated(text, values))
        for text, values in zip(texts.gather(rows), watched.of(rows), strict=True)
    ]
    hidden = pl.Series([text for text, _ in made], dtype=pl.String)
    return texts.scatter(rows, hidden), sum(count for _, count in made)


def repeated(text: str, watched: Repeats) -> Repeats:
    """Those of the values that the text holds, by letters without case, phones by digits, as it stands or encoded as in a
    URL; in JSON, none of its letters may be escaped."""
    forms = [text, unquote_plus(text)] if "%" in text or "+" in text else [text]
    folded = "\0".join(forms).casefold()
    digits = re.sub("[^0-9\0]+", "", folded)
    return [
        (type, value)
        for type, value in watched
        if len(value) >= SHORTEST
        and (
            value.casefold() in folded
            or json.dumps(value, ensure_ascii=False)[1:-1].casefold() in folded
            or (type == "phone" and canonical("phone", value) in digits)
        )
    ]


def scrubbed(text: str, repeats: Repeats) -> tuple[str, int]:
    """`text` with stars for each of the values, and how many were found."""
    hidden = 0
    for type, value in repeats:
        text, found = _cut(text, value)
        hidden += found
        if type == "phone":
            text, found = _cut_number(text, canonical("phone", value))
            hidden += found
    plain = unquote_plus(text) if repeats and ("%" in text or "+" in text) else text
    if (
        plain != text and scrubbed(plain, repeats)[1]
    ):  # encoded: its query is not shown, nor the rest if that holds it too
        head, mark, _ = text.partition("?")
        kept = mark and not scrubbed(unquote_plus(head), repeats)[1]
        return (f"{head}?{NOTHING}" if kept else NOTHING), hidden + 1
    return text, hidden


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
