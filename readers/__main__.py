"""Asks every program, and writes docs/readers.md: `make readers`."""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from readers import commands, databases, languages, libraries, spreadsheets
from readers.compare import Difference, Table, differences, without_nulls
from readers.page import Reading, page
from readers.program import Program
from readers.source import COLUMNS, FORMS, PACKED, ROWS, Form, write_file

RECIPES = "\n## Recipes\n"
PAGE = Path(__file__).parent.parent / "docs" / "readers.md"
BLANK = without_nulls(Table([], ROWS)).rows
BLANK = without_nulls(Table([], ROWS)).rows


def main() -> None:
    with databases.programs() as servers:
        everything = (
            *libraries.PROGRAMS,
            *servers,
            *commands.PROGRAMS,
            *languages.PROGRAMS,
            *spreadsheets.PROGRAMS,
        )
        programs, missing = _installed(everything)
        forms = {name: list(_read(programs, name, form)) for name, form in FORMS.items()}
        packed = {codec: list(_unpacked(programs, codec, form)) for codec, form in PACKED.items()}
    recipes = RECIPES + PAGE.read_text(encoding="utf-8").partition(RECIPES)[2]  # of `make recipes`
    text = page(forms, packed, len(ROWS), len(COLUMNS), missing)
    PAGE.write_text(text + recipes, encoding="utf-8")
    print(f"{PAGE}: {len(programs)} programs")


def _read(programs: Iterable[Program], name: str, form: Form) -> Iterator[Reading]:
    for program in programs:
        for asked in program.readings.get(name) or program.readings.get(form.like or "", ()):
            yield _reading(program, asked, form, lambda table: differences(COLUMNS, ROWS, table))


def _unpacked(programs: Iterable[Program], codec: str, form: Form) -> Iterator[Reading]:
    for program in programs:
        if codec in program.unpackings:
            yield _reading(
                program,
                program.unpackings[codec],
                form,
                lambda table: differences(COLUMNS, BLANK, without_nulls(table)),
            )


def _installed(programs: Sequence[Program]) -> tuple[list[Program], list[str]]:
    installed, missing = [], []
    for program in programs:
        try:
            program.install()
            program.version()
        except FileNotFoundError as error:
            missing.append(f"{program.name} ({error})")
        else:
            installed.append(program)
    return installed, missing


def _reading(
    program: Program, asked: str, form: Form, compare: Callable[[Table], list[Difference]]
) -> Reading:
    """One way to ask. What the program raises is what it says, whatever that is."""
    version = program.version()
    with tempfile.TemporaryDirectory(prefix="export_pipelines_readers_") as folder:
        file = write_file(Path(folder), form)
        try:
            reading = Reading(program.name, version, asked, tuple(compare(program.ask(asked, file))))
        except Exception as error:
            words = next(iter(str(error).strip().splitlines()), type(error).__name__)
            reading = Reading(program.name, version, asked, refused=words.replace(folder, "FOLDER"))
    result = reading.refused or f"{len(reading.differences)} differ"
    print(f"  {file.name}, {program.name}: {result}", file=sys.stderr, flush=True)
    return reading


if __name__ == "__main__":
    main()
