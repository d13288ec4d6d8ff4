"""Doubles as texts: the fewest digits that read back equal, spelled as PostgreSQL spells a `double precision`.

Of digits that lie half way between two doubles (`1e23`) not every reader makes the same one, so they are not taken."""

import math
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pyarrow as pa

PLAIN_FROM, PLAIN_TO = 1e-4, 1e15  # beyond these a number has an exponent
HALF_WAY_FROM, HALF_WAY_TO = 2.0**53, 1e41  # where 17 digits can lie half way between two doubles
NOT_FINITE = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def real_text(real: float) -> str:
    """`0.1`, `25`, `-0`, `1e+15`, `1e-07`, `Infinity`."""
    digits = repr(real)
    if digits in NOT_FINITE:
        return NOT_FINITE[digits]
    if real == 0 or PLAIN_FROM <= abs(real) < PLAIN_TO:
        return digits.removesuffix(".0")
    if HALF_WAY_FROM <= abs(real) < HALF_WAY_TO and _is_half_way(digits, real):
        longer = f"{real:.15e}"
        return longer if float(longer) == real and not _is_half_way(longer, real) else f"{real:.16e}"
    return digits if "e" in digits else format(Decimal(digits).normalize(), "e")


def _is_half_way(digits: str, real: float) -> bool:
    distance = abs(Fraction(digits) - Fraction(real))
    return 2 * distance in (
        abs(Fraction(math.nextafter(real, to)) - Fraction(real)) for to in (-math.inf, math.inf)
    )


def real_texts(reals: pa.DoubleArray) -> pa.StringArray:
    """The same of each value; of null null."""
    values = pl.Series("", reals)
    texts = values.cast(pl.String).str.strip_suffix(".0")
    is_plain = (values == 0) | (values.abs() >= PLAIN_FROM) & (values.abs() < PLAIN_TO)
    rows = (~is_plain).fill_null(False).arg_true()
    if len(rows):
        texts = texts.scatter(rows, [real_text(real) for real in values[rows]])
    return texts.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
