"""Which rows hold one of their masked values once more, in a text; most rows do not, and are not looked at again."""

from collections.abc import Callable
from functools import cached_property

import polars as pl
import pyarrow.compute as pc

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.mask_values import as_text
from export_pipelines.stream.repeats import SHORTEST, Repeats, repeated, scrubbed
from export_pipelines.stream.spellings import BREAK, NUMBERED, ODD, WITHIN_NUMBER, number, readings

NEVER = "\0\1"  # is in no text
ESCAPED = r"\\[u/]|\\[nrt][^A-Za-z]"  # letters that JSON spells in another way, or that break a number
ENCODED = "[%+]"  # as in a URL
UNCLEAR = r'["\\\x00-\x1f\[{]'  # of values: JSON escapes it, or it may be JSON
PLAIN_NUMBER = "^[0-9() ./-]*$"
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
        texts = (all_texts if every else all_texts[rows]).select(joined).to_series()
        found = _held(texts, values) | texts.str.contains(ESCAPED)
        return found | _where(
            texts.str.contains(ENCODED) & ~found,
            lambda rows: _held(_decoded(texts.gather(rows)), _gathered(values, rows)),
        )

    def of(self, rows: pl.Series) -> list[Repeats]:
        """The values of each of these rows."""
        return _by_row(_gathered(self._values, rows))


def _decoded(texts: pl.Series) -> pl.Series:
    return pl.Series([BREAK.join(readings(text)[1:]) for text in texts.to_list()], dtype=pl.String)


def _gathered(values: list[Values], rows: pl.Series) -> list[Values]:
    return [(type, one.gather(rows)) for type, one in values]


def _by_row(values: list[Values]) -> list[Repeats]:
    types = [type for type, _ in values]
    rows = zip(*(one.to_list() for _, one in values), strict=True)
    return [[(type, value) for type, value in zip(types, row, strict=True) if value] for row in rows]


def _held(texts: pl.Series, values: list[Values]) -> pl.Series:
    """Whether each text holds one of the values of its row. Bytes tell of nearly all; the others are looked at letter by letter."""
    columns = {str(number): _lower(one) for number, (_, one) in enumerate(values)}
    pieces = [_unbroken(one).alias(f"piece {id}") for id, one in columns.items()]
    lower, frame = (
        pl.col("text"),
        pl.DataFrame([_lower(texts).alias("text"), *pieces]).with_columns(**columns),
    )
    beside_ascii = lower.str.len_bytes() != lower.str.len_chars()
    letters = pl.any_horizontal(
        *(pl.col(id).str.len_bytes() != pl.col(id).str.len_chars() for id in columns), False
    )
    told = frame.select(
        pl.any_horizontal(lower.str.contains(pl.col(one.name), literal=True) for one in pieces)
        .fill_null(False)
        .alias("found"),
        pl.any_horizontal((beside_ascii & letters), *(pl.col(id).str.contains(UNCLEAR) for id in columns))
        .fill_null(False)
        .alias("unclear"),
        beside_ascii.alias("beside_ascii"),
        letters.fill_null(False).alias("letters"),
    )
    unclear = told["unclear"] | _where(told["beside_ascii"], lambda rows: _are_odd([texts.gather(rows)]))
    unclear |= _where(
        told["letters"] & ~unclear, lambda rows: _are_odd([one.gather(rows) for _, one in values])
    )
    found = told["found"] | _called(texts, [(type, one) for type, one in values if type in NUMBERED])
    return found | _where(
        unclear & ~found, lambda rows: _repeated(texts.gather(rows), _gathered(values, rows))
    )


def _are_odd(columns: list[pl.Series]) -> pl.Series:
    """Whether a row has a sign that is spelled in ASCII too, so that bytes do not tell of it."""
    frame = pl.DataFrame([one.alias(str(n)) for n, one in enumerate(columns)])
    return frame.select(pl.any_horizontal(pl.all().str.contains(ODD)).fill_null(False)).to_series()


def _unbroken(values: pl.Series) -> pl.Series:
    """Of each value what blanks do not break, its longest piece; null where the value is too short to be searched for."""
    long_enough = pl.col("value").str.len_chars() >= SHORTEST
    pieces = values.to_frame("value").select(pl.when(long_enough).then(pl.col("value"))).to_series()
    rows = pieces.str.contains(r"\s").fill_null(False).arg_true()
    longest = [max(value.split(), key=len, default=NEVER) for value in pieces.gather(rows).to_list()]
    return pieces.scatter(rows, longest) if longest else pieces


def _where(flags: pl.Series, look: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`flags`, where they are set, as `look` tells of these rows."""
    rows = flags.arg_true()
    return flags.scatter(rows, look(rows)) if len(rows) else flags


def _repeated(texts: pl.Series, values: list[Values]) -> pl.Series:
    flags = [bool(repeated(*pair)) for pair in zip(texts.to_list(), _by_row(values), strict=True)]
    return pl.Series(flags, dtype=pl.Boolean)


def _lower(texts: pl.Series) -> pl.Series:
    """Lower case, of ASCII alone: Polars' own takes five times as long."""
    return pl.Series(pl.from_arrow(pc.ascii_lower(texts.to_arrow())))


def _called(texts: pl.Series, numbers: list[Values]) -> pl.Series:
    """Whether the text holds the digits of one of the row's numbers, whatever signs stand between them."""
    found = pl.repeat(False, len(texts), eager=True)
    encoded = texts.cast(pl.Binary).to_list() if numbers else []
    unbroken = [text.translate(None, WITHIN_NUMBER) for text in encoded]
    for type, values in numbers:
        digits = _digits(type, values).cast(pl.Binary).to_list()
        held = [one in text for one, text in zip(digits, unbroken, strict=True)]
        found |= pl.Series(held, dtype=pl.Boolean)
    return found


def _digits(type: str, values: pl.Series) -> pl.Series:
    """By which digits each is found. Nearly all are numbers of ten digits, which are told at once."""
    digits = pl.col("value").str.replace_all("[^0-9]+", "")
    ten = pl.when(digits.str.contains("^1[2-9][0-9]{9}$")).then(digits.str.tail(10)).otherwise(digits)
    plain = pl.col("value").str.contains(PLAIN_NUMBER) & ten.str.contains("^[1-9][0-9]{9}$")
    told = values.to_frame("value").select(pl.when(plain).then(ten)).to_series()
    rows = (told.is_null() & values.is_not_null()).arg_true()
    others = [number(type, value) or NEVER for value in values.gather(rows).to_list()]
    return (told.scatter(rows, others) if others else told).fill_null(NEVER)


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
