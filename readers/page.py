"""docs/readers.md: what each program made of each file."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from readers.compare import Difference

SHOWN_KINDS = 3  # of differences in a column
EVERY = "every value"


@dataclass(frozen=True)
class Reading:
    """What one way to ask gave: differences, or the words with which the program refused."""

    program: str
    version: str
    asked: str
    differences: tuple[Difference, ...] = ()
    refused: str = ""

    @property
    def whole(self) -> bool:
        return not self.differences and not self.refused


HEAD = """\
# What other programs read

`make readers` writes this page: it exports {rows} made-up rows of {columns} columns ({cells} values) in each format, asks each program below for them, and compares what the program
has with what was written, value by value: texts letter by letter, null apart from the empty text, numbers, times and days by their value. No line is written by hand.

The values are those that programs are known to change: texts that look like nulls, numbers, formulas or escapes, postal codes with a leading zero, line breaks, blanks, amounts of 19 digits,
the largest integer of 64 bits, days before 1900 and of the year 9999, and JSON with long numbers. So a program that changes some here may well be right for your values: the lines say which it changes.

In the first two tables a program's best way to ask counts: it has "all" values, or changes so many of the {cells}; "-" is a refusal, and a blank was not asked.

"""


def page(
    forms: Mapping[str, Sequence[Reading]],
    codecs: Mapping[str, Sequence[Reading]],
    rows: int,
    columns: int,
    missing: Sequence[str],
) -> str:
    """The whole page, from what was found by form, and by codec of a CSV. `missing` programs could not be installed."""
    text = HEAD.format(rows=rows, columns=columns, cells=rows * columns)
    text += (
        _matrix("format", forms)
        + "\n## Codecs\n\nThe same rows from a compressed CSV, where null and the empty text are not told apart. gzip is what most programs read.\n\n"
    )
    text += _matrix("codec", codecs)
    for form, ways in forms.items():
        text += f"\n## {form}\n\n| program | asked | read |\n|---|---|---|\n"
        text += "".join(
            f"| {way.program} {way.version} | {_code(way.asked)} | {result_of(way)} |\n" for way in ways
        )
    text += "\n## Codecs, as they were asked\n\n| codec | program | asked | read |\n|---|---|---|---|\n"
    for codec, ways in codecs.items():
        text += "".join(
            f"| {codec} | {way.program} {way.version} | {_code(way.asked)} | {result_of(way)} |\n"
            for way in ways
        )
    if missing:
        text += f"\nNot asked, since they could not be installed: {', '.join(missing)}.\n"
    return text


def _matrix(title: str, ways_of: Mapping[str, Sequence[Reading]]) -> str:
    programs = dict.fromkeys(f"{way.program} {way.version}" for ways in ways_of.values() for way in ways)
    text = f"| program | {' | '.join(ways_of)} |\n|---|{'---|' * len(ways_of)}\n"
    for program in programs:
        cells = [
            _best([way for way in ways if f"{way.program} {way.version}" == program])
            for ways in ways_of.values()
        ]
        text += f"| {program} | {' | '.join(cells)} |\n"
    return text


def _best(ways: Sequence[Reading]) -> str:
    if not ways:
        return ""
    taken = [len(way.differences) for way in ways if not way.refused]
    return "-" if not taken else str(min(taken) or "all")


def result_of(way: Reading) -> str:
    """What differs, by column, in the page's words."""
    if way.refused:
        return f"refused: {_plain(way.refused)}"
    if way.whole:
        return EVERY
    return "; ".join(f"{column}: {_kinds(some)}" for column, some in _by_column(way.differences))


def _by_column(differences: Iterable[Difference]) -> list[tuple[str, list[Difference]]]:
    columns: dict[str, list[Difference]] = {}
    for difference in differences:
        columns.setdefault(difference.column, []).append(difference)
    return list(columns.items())


def _kinds(differences: Sequence[Difference]) -> str:
    kinds = Counter((difference.written, difference.read) for difference in differences)
    some = [f"{_code(written)} → {_code(read)}" for written, read in list(kinds)[:SHOWN_KINDS]]
    more = len(kinds) - SHOWN_KINDS
    return ", ".join(some) + (f" and {more} more" if more > 0 else "")


def _code(text: str) -> str:
    text = text.replace("|", "\\|").replace("\n", " ")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")[:120]
