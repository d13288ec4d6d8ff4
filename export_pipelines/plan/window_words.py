"""What a window gives to templates, and the names of a plan's parts."""

from export_pipelines.plan.plan import Plan, Window
from export_pipelines.templates import part_name


def window_words(window: Window) -> dict[str, str]:
    """The words that the window gives: date, start, end, key, year, month, day."""
    start = window.start
    return {
        "date": start.strftime("%Y-%m-%d"),
        "start": start.strftime("%Y-%m-%d"),
        "end": window.end.strftime("%Y-%m-%d"),
        "key": window.key,
        "year": f"{start.year:04d}",
        "month": f"{start.month:02d}",
        "day": f"{start.day:02d}",
    }


def part_file_name(plan: Plan, n: int) -> str:
    """The name of part `n`, counted from 1."""
    return part_name(plan.output.part_name, n)
