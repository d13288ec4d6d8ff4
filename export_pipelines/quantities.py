"""Sizes, counts and durations for people, at the terminal and on the page."""


def size(number: float) -> str:
    """Bytes for people: `812 B`, `4.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:,.0f} B" if unit == "B" else f"{number:,.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """As a person says it: `0.4 s`, `12 min`, `30 h`, `1,058 days`."""
    if seconds < 100:
        return f"{seconds:,.1f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:,.0f} min"
    if seconds < 2 * 86_400:
        return f"{seconds / 3600:,.0f} h"
    return f"{seconds / 86_400:,.0f} days"
