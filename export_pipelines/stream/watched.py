"""Which rows hold one of their masked values once more, in a text; most rows do not, and are not looked at again."""

from collections.abc import Callable
from functools import cached_property
from urllib.parse import unquote_plus

import polars as pl
import pyarrow.compute as pc

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.mask_values import as_text
from export_pipelines.stream.repeats import BREAK, PHONE_DIGITS, SHORTEST, Repeats, repeated, scrubbed

NEVER = "\0\1"  # is in no text
WITHIN_NUMBER = b" \t\n\v\f\r()./-"
ESCAPED = r"\\[u/]"  # letters that JSON spells in another way
ENCODED = "[%+]"  # as in a URL
FOLDED = (
    "ßİŉſǰẖẗẘẙẚẞ\u212aﬀﬁﬂﬃﬄﬅﬆ"  # all that has a letter of ASCII once its case is folded; U+212A is the kelvin
)
SPACES = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ODD_LETTERS = f"[{FOLDED}{SPACES}]"  # of texts: they may equal a value that has other bytes
UNCLEAR = rf'["\\\x00-\x1f{FOLDED}]'  # of values: JSON escapes it, or it may equal ASCII
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
        joined = pl.concat_str(pl.all(), separator=BREAK, ignore_nulls=True)
        texts = pl.DataFrame(self._texts).select(joined.alias("text")).to_series()
        found = _held(texts, self._values) | texts.str.contains(ESCAPED)
        return found | _where(
            texts.str.contains(ENCODED) & ~found, lambda rows: self._held_plain(texts, rows)
        )

    def _held_plain(self, texts: pl.Series, rows: pl.Series) -> pl.Series:
        plain = [unquote_plus(text) for text in texts.gather(rows).to_list()]
        return _held(pl.Series(plain, dtype=pl.String), _gathered(self._values, rows))

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
    columns = {str(number): _lower(one) for number, (_, one) in enumerate(values)}
    lower, frame = pl.col("text"), pl.DataFrame({"text": _lower(texts), **columns})
    beside_ascii = lower.str.len_bytes() != lower.str.len_chars()
    sought = [pl.when(pl.col(id).str.len_chars() >= SHORTEST).then(pl.col(id)) for id in columns]
    letters = [pl.col(id).str.len_bytes() != pl.col(id).str.len_chars() for id in columns]
    told = frame.select(
        pl.any_horizontal(lower.str.contains(one, literal=True) for one in sought)
        .fill_null(False)
        .alias("found"),
        pl.any_horizontal(
            (beside_ascii & pl.any_horizontal(letters)),
            *(pl.col(id).str.contains(UNCLEAR) for id in columns),
        )
        .fill_null(False)
        .alias("unclear"),
        beside_ascii.alias("beside_ascii"),
    )
    found, unclear = told["found"], told["unclear"]
    for type, one in values:
        if type == "phone":
            found |= _called(texts, one)
    unclear |= _where(told["beside_ascii"], lambda rows: texts.gather(rows).str.contains(ODD_LETTERS))
    return found | _where(
        unclear & ~found, lambda rows: _repeated(texts.gather(rows), _gathered(values, rows))
    )


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


def _called(texts: pl.Series, phones: pl.Series) -> pl.Series:
    """Whether the text holds the digits of the row's phone, whatever signs stand between them."""
    pairs = zip(texts.cast(pl.Binary).to_list(), _digits(phones).cast(pl.Binary).to_list(), strict=True)
    return pl.Series(
        [digits in text.translate(None, WITHIN_NUMBER) for text, digits in pairs], dtype=pl.Boolean
    )


def _digits(phones: pl.Series) -> pl.Series:
    """Of numbers without the country; of what is no number, none that is in a text."""
    all_of = pl.col("phone").str.replace_all("[^0-9]+", "")
    length = all_of.str.len_bytes()
    with_country = (length == 11) & all_of.str.starts_with("1")
    digits = (
        pl.when(with_country)
        .then(all_of.str.tail(10))
        .when(length >= PHONE_DIGITS)
        .then(all_of)
        .fill_null(NEVER)
    )
    return phones.to_frame("phone").select(digits).to_series()


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
