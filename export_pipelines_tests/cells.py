"""Grids of parameters whose cells differ in one thing each: a cover of them, or with CELLS=all in the environment all cells."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")

ALL_CELLS = os.environ.get("CELLS") == "all"


def in_turn(cases: Iterable[tuple[Any, ...]], *values: Any) -> list[tuple[Any, ...]]:
    """Each case with one of the `values` in turn, as a last member; with all of them if all cells are asked for."""
    if ALL_CELLS:
        return [(*case, value) for case in cases for value in values]
    return [(*case, values[number % len(values)]) for number, case in enumerate(cases)]


def some(values: Sequence[Value], chosen: Iterable[Value]) -> Sequence[Value]:
    """Those that are `chosen`; all of them if all cells are asked for."""
    return values if ALL_CELLS else [value for value in values if value in set(chosen)]
