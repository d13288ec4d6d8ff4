"""Columns of values that a seeded generator chooses from pools."""

import sys
from array import array
from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
BLEND = 500  # entries of a blended pool: the grain of a share is 0.2 %


def pick(random: Random, size: int, pool: Sequence[T]) -> list[T]:
    """`size` values of the pool; random.choices does the same in three times the time."""
    numbers = array("I", random.randbytes(4 * size))
    if sys.byteorder == "big":
        numbers.byteswap()
    length = len(pool)
    return [pool[number % length] for number in numbers]


def blended(random: Random, size: int, common: Sequence[Any], rare: Sequence[Any], share: float) -> list[Any]:
    """`size` values, of which about `share` come from `rare`."""
    few = max(1, round(BLEND * share))
    pool = [common[n % len(common)] for n in range(BLEND - few)] + [rare[n % len(rare)] for n in range(few)]
    return pick(random, size, pool)


def sprinkle(random: Random, column: list[Any], values: Sequence[Any], share: float) -> None:
    """Puts `values` in turn over about `share` of the column, at least once where it has a row."""
    places = random.sample(range(len(column)), min(len(column), max(1, round(len(column) * share))))
    for n, place in enumerate(places):
        column[place] = values[n % len(values)]
