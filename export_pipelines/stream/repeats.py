"""Masked values that stand once more in a text of the same row: in another case, escaped, or a number spelled in another way."""

import json
import re
from urllib.parse import unquote_plus

import polars as pl

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.mask_values import NOTHING, as_text, canonical

SHORTEST = 3  # characters; what is shorter is found everywhere and tells nothing
PHONE_DIGITS = 7  # fewer digits are found in every long number
NO_DIGITS = r"[^0-9]+"
NUMBER = re.compile(r"[+(]{0,2}\d(?:[\s()./-]*\d)+")
ESCAPED = r"\\|%[0-9A-Fa-f]{2}"  # letters of JSON or of a URL may hide behind these
Repeats = list[tuple[str, str]]  # semantic type and value of what is masked in the same row


class Watched:
    """The columns whose values are masked in `frame`."""

    def __init__(self, plan: Plan, frame: pl.DataFrame) -> None:
        assert plan.masking
        self.types = {one.name: one.type for one in plan.masking.query.columns}
        self.columns = {name: as_text(frame[name]).alias(name) for name in plan.masking.watched}

    def rows(self, texts: pl.Series) -> pl.Series:
        """Whether the row's text may hold one of its values: no row is missed, some are looked at in vain.

        Escapes hide letters, and upper case has its own rules outside ASCII, so those rows are all looked at.
        """
        text = pl.col("text")
        folded = pl.DataFrame({"text": texts}).select(
            text, text.str.to_lowercase().alias("folded"), text.str.replace_all(NO_DIGITS, "").alias("digits")
        )
        tests = [text.str.contains(ESCAPED)]
        for name, values in self.columns.items():
            value = pl.lit(values)
            long = value.str.len_chars() >= SHORTEST
            foreign = value.str.len_bytes() != value.str.len_chars()
            spaced = value.str.contains(" ", literal=True) & text.str.contains("+", literal=True)
            held = pl.col("folded").str.contains(value.str.to_lowercase(), literal=True)
            tests.append(long & (foreign | spaced | held))
            if self.types[name] == "phone":
                digits = value.str.replace_all(NO_DIGITS, "")
                number = (
                    pl.when(digits.str.contains(r"^1\d{10}$")).then(digits.str.slice(1)).otherwise(digits)
                )
                tests.append((number != "") & pl.col("digits").str.contains(number, literal=True))
        found = folded.select(text.is_not_null() & pl.any_horizontal(test.fill_null(False) for test in tests))
        return found["text"]

    def of(self, rows: pl.Series) -> list[Repeats]:
        """The values of each of these rows."""
        values = [(self.types[name], one.gather(rows).to_list()) for name, one in self.columns.items()]
        return [[(type, one[row]) for type, one in values if one[row]] for row in range(len(rows))]


def hide_repeats(plan: Plan, frame: pl.DataFrame, texts: pl.Series) -> tuple[pl.Series, int]:
    """`texts` with every masked value of the same row hidden, and how many were."""
    watched = Watched(plan, frame)
    rows = watched.rows(texts).arg_true()
    if not len(rows):
        return texts, 0
    made = [
        scrubbed(text, repeated(text, values))
        for text, values in zip(texts.gather(rows), watched.of(rows), strict=True)
    ]
    return texts.scatter(rows, pl.Series([text for text, _ in made], dtype=pl.String)), sum(
        n for _, n in made
    )


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
