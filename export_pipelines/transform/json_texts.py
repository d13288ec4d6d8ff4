"""Values as they stand inside JSON become the texts that they mean: `"a\\n"` its letters, `1.10` as it is, null nothing."""

import json

import numpy as np
import polars as pl

STRING = r'"(?:[^"\\]|\\.)*"'
BLANKS = rf"({STRING})|[ \t\n\r]+"
MAY_HOLD_BLANKS = r"[\[{,:][ \t\n\r]|[ \t\n\r][\[{}\],:]|^[ \t\n\r]|[ \t\n\r]$"
QUOTE, BACKSLASH = '"', "\\"


class HalfCharacter(ValueError):
    """A text holds half of a surrogate pair, which is no character; `row` is its position."""

    def __init__(self, row: int) -> None:
        self.row = row
        super().__init__("half a character")


def meant(values: pl.Series) -> pl.Series:
    """The texts that JSON values mean; of a list or an object, and of a number, its letters. Raises HalfCharacter."""
    is_text = values.str.starts_with(QUOTE)
    inner = values.str.strip_prefix(QUOTE).str.strip_suffix(QUOTE)
    texts = inner.zip_with(is_text.fill_null(False), without_nulls(compact(values)))
    escaped = (is_text & values.str.contains(BACKSLASH, literal=True)).fill_null(False)
    rows = np.flatnonzero(escaped.to_numpy())
    return texts.scatter(rows, [_decoded(values[int(row)], int(row)) for row in rows]) if len(rows) else texts


def without_nulls(values: pl.Series) -> pl.Series:
    """JSON values, null as no value."""
    is_null = values == "null"
    return (
        values.zip_with(~is_null.fill_null(False), pl.Series([None], dtype=pl.String))
        if is_null.any()
        else values
    )


def compact(values: pl.Series) -> pl.Series:
    """JSON without the blanks between its letters."""
    blank = values.str.contains(MAY_HOLD_BLANKS).fill_null(False)
    if not blank.any():
        return values
    rows = np.flatnonzero(blank.to_numpy())
    return values.clone().scatter(rows, values.gather(rows).str.replace_all(BLANKS, "${1}"))


def _decoded(value: str, row: int) -> str:
    text: str = json.loads(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HalfCharacter(row) from error
    return text
