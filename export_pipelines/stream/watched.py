"""Which rows hold one of their masked values once more, in a text; most rows do not, and are not looked at again."""

import re
from collections.abc import Callable
from functools import cached_property

import polars as pl
import pyarrow.compute as pc

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.mask_values import as_text
from export_pipelines.stream.repeats import SHORTEST, Repeats, repeated, scrubbed
from export_pipelines.stream.spellings import (
    BREAK,
    NUMBER_DIGITS,
    NUMBERED,
    ODD,
    WITHIN_NUMBER,
    folded,
    number,
)

NEVER = b"\0\1"  # is in no text
MIXED, RUN = r"[^\x21-\x7e]", re.compile(r"[\x21-\x7e]+")
ESCAPED = r'\\(?:[^"nrt]|[nrt][^A-Za-z])'  # letters that JSON spells in another way, or that break a number
ENCODED = "%[0-9A-Fa-f]{2}"  # as in a URL
PRINTED = {f"%{code:{hex}}": chr(code) for code in range(0x20, 0x7F) for hex in ("02X", "02x")}
UNCLEAR = r'["\\\x00-\x1f\[{]'  # of values: JSON escapes it, or it may be JSON
BETWEEN = r"[\s\x1c-\x1f()./+-]*"  # of the digits of a number
BETWEEN_BYTES = WITHIN_NUMBER + b"+\x1c\x1d\x1e\x1f"
NUMBER = rf"(?s)[0-9](?:.*[0-9]){{{NUMBER_DIGITS - 1}}}"  # of values, whatever stands between
LONG = rf"[0-9](?:{BETWEEN}[0-9]){{8}}"
TOLD_BY_LONG = r"^[() ./-]*(?:\+?1[() ./-]*[2-9]|[1-9])(?:[() ./-]*[0-9]){8,9}[() ./-]*$"  # of values
Values = tuple[str, pl.Series]  # semantic type, and what is masked in each row


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
        """Flags: no row that holds a value is missed, some are looked at in vain. All texts of a row are searched as one."""
        if not self._values or not self._texts:
            return pl.repeat(False, self._height, eager=True)
        there = pl.DataFrame([one.is_not_null().alias(str(n)) for n, (_, one) in enumerate(self._values)])
        return _where(there.select(pl.any_horizontal(pl.all())).to_series(), self._hold)

    def _hold(self, rows: pl.Series) -> pl.Series:
        """Whether these rows, each of which has a value, hold one in their texts."""
        every = len(rows) == self._height
        values = self._values if every else _gathered(self._values, rows)
        joined = pl.concat_str(pl.all(), separator=BREAK, ignore_nulls=True).alias("text")
        all_texts = pl.DataFrame(self._texts)
        return _held((all_texts if every else all_texts[rows]).select(joined).to_series(), values)

    def of(self, rows: pl.Series) -> list[Repeats]:
        """The values of each of these rows."""
        return _by_row(_gathered(self._values, rows))


def _gathered(values: list[Values], rows: pl.Series) -> list[Values]:
    return [(type, one.gather(rows)) for type, one in values]


def _by_row(values: list[Values]) -> list[Repeats]:
    types = [type for type, _ in values]
    rows = zip(*(one.to_list() for _, one in values), strict=True)
    return [[(type, value) for type, value in zip(types, row, strict=True) if value] for row in rows]


def _held(texts: pl.Series, values: list[Values]) -> pl.Series:
    """Whether each text holds one of the values of its row. Bytes tell of nearly all; the others are looked at letter by letter."""
    decoded, encoded_twice = _decoded(texts)
    told = _told(decoded, values)
    unclear = told["unclear"] | encoded_twice
    unclear |= _where(told["beside_ascii"] & ~unclear, lambda rows: _are_odd([texts.gather(rows)]))
    unclear |= _where(
        told["letters"] & ~unclear, lambda rows: _are_odd([one.gather(rows) for _, one in values])
    )
    found = told["found"]
    found |= _where(
        told["digits"] & ~found, lambda rows: _called(decoded.gather(rows), _gathered(values, rows))
    )
    return found | _where(
        unclear & ~found, lambda rows: _repeated(texts.gather(rows), _gathered(values, rows))
    )


def _decoded(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The texts, those that are encoded followed by what they say; and flags for what is still encoded then."""
    flags = texts.str.contains(ENCODED)
    rows = flags.arg_true()
    if not len(rows):
        return texts, flags
    raw = texts.gather(rows)
    said = raw.str.replace_many(PRINTED)
    both = texts.clone().scatter(rows, raw + BREAK + said)  # it changes the series that it is called on
    return both, flags.scatter(rows, said.str.contains(ENCODED))


def _told(texts: pl.Series, values: list[Values]) -> pl.DataFrame:
    """What bytes tell of texts, as flags: `found`, or to be parsed, which only an escape can ask for;
    `unclear`; `beside_ascii`, of texts; `letters` beside ASCII, of values; `digits`, where a number may stand."""
    columns = {f"value {n}": one for n, (_, one) in enumerate(values)}
    pieces = {f"piece {n}": _piece(one) for n, (_, one) in enumerate(values)}
    text, each = pl.col("text"), [pl.col(name) for name in columns]
    hits = [(text.str.contains(pl.col(name), literal=True), pl.col(name).str.len_bytes()) for name in pieces]
    numbers = [pl.col(f"value {n}") for n, (type, _) in enumerate(values) if type in NUMBERED]
    beside_ascii = text.str.len_bytes() != text.str.len_chars()
    flags = {
        "found": [
            pl.col("written").str.contains(ESCAPED),
            *(hit & (length >= SHORTEST) for hit, length in hits),
        ],
        "unclear": [
            *(one.str.contains(UNCLEAR) for one in each),
            *(hit & (length < SHORTEST) for hit, length in hits),
            *(
                beside_ascii & pl.col(piece).is_null() & (one.str.len_bytes() >= SHORTEST)
                for one, piece in zip(each, pieces, strict=True)
            ),
        ],
        "beside_ascii": [beside_ascii],
        "letters": [one.str.len_bytes() != one.str.len_chars() for one in each],
        "digits": [
            one.str.contains(NUMBER) & (text.str.contains(LONG) | ~one.str.contains(TOLD_BY_LONG))
            for one in numbers
        ],
    }
    return pl.DataFrame({"written": texts, "text": _lower(texts), **columns, **pieces}).select(
        pl.any_horizontal(*tests, False).fill_null(False).alias(name) for name, tests in flags.items()
    )


def _are_odd(columns: list[pl.Series]) -> pl.Series:
    """Whether a row has a sign that is spelled in ASCII too, so that bytes do not tell of it."""
    frame = pl.DataFrame([one.alias(str(n)) for n, one in enumerate(columns)])
    return frame.select(pl.any_horizontal(pl.all().str.contains(ODD)).fill_null(False)).to_series()


def _piece(values: pl.Series) -> pl.Series:
    """Of each value what no text can spell in another way that is not odd: all of it, in lower case; of one with
    blanks or letters beside ASCII the longest run without. Null where the value is too short to be searched for, or
    has no such run."""
    value = pl.col("value")
    lower, mixed = (
        _lower(values)
        .to_frame("value")
        .select(
            pl.when(value.str.len_bytes() >= SHORTEST).then(value).alias("lower"),
            value.str.contains(MIXED).fill_null(False).alias("mixed"),
        )
    )
    rows = (mixed & lower.is_not_null()).arg_true()
    runs = [max(RUN.findall(folded(one)), key=len, default="") for one in lower.gather(rows).to_list()]
    return lower.scatter(rows, [run or None for run in runs]) if runs else lower


def _where(flags: pl.Series, look: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`flags`, where they are set, as `look` tells of these rows."""
    rows = flags.arg_true()
    return flags.scatter(rows, look(rows)) if len(rows) else flags


def _repeated(texts: pl.Series, values: list[Values]) -> pl.Series:
    flags = [bool(repeated(*pair)) for pair in zip(texts.to_list(), _by_row(values), strict=True)]
    return pl.Series(flags, dtype=pl.Boolean)


def _called(texts: pl.Series, values: list[Values]) -> pl.Series:
    """Whether the text holds the digits of one of the row's numbers, whatever signs stand between them."""
    unbroken = [text.translate(None, BETWEEN_BYTES) for text in texts.cast(pl.Binary).to_list()]
    sought = [[number(type, value).encode() or NEVER for type, value in row] for row in _by_row(values)]
    held = [any(one in text for one in row) for row, text in zip(sought, unbroken, strict=True)]
    return pl.Series(held, dtype=pl.Boolean)


def _lower(texts: pl.Series) -> pl.Series:
    """Lower case, of ASCII alone: Polars' own takes three times as long."""
    return pl.Series(pl.from_arrow(pc.ascii_lower(texts.to_arrow())))


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
