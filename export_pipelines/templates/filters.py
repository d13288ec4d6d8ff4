"""The filters that may stand behind a word of a template."""

from collections.abc import Callable, Mapping
from typing import Any

MAX_FILTERS = 10  # behind a word
MAX_PAD = 12  # digits
NUMBER = "\x000\x00"  # where a part's number goes, with its width; no filter changes a digit


def _pad(value: str, width: int = 2) -> str:
    return f"\x00{width}\x00" if value == NUMBER else str(value).rjust(width, "0")


FILTERS: Mapping[str, Callable[..., Any]] = {"lower": str.lower, "upper": str.upper, "pad": _pad}
