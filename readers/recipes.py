"""The tables of recipes in docs/recipes.md and docs/readers.md, from what the contract suite saw: `make recipes`."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export_pipelines.definition.readers import NEEDS
from export_pipelines.recipes import READERS, Change, Table, recipe_for
from export_pipelines_tests.recipes.cases import FORMS, NOT_RUN, Options, cases
from export_pipelines_tests.recipes.more_programs import MORE
from export_pipelines_tests.recipes.odd_tables import artifact_of
from export_pipelines_tests.recipes.programs import PROGRAMS

ROOT = Path(__file__).parent.parent
SUITE = "export_pipelines_tests/recipes/test_contract.py"
RESULTS = "RECIPE_RESULTS"  # the variable with the file that the suite writes
BLOCK = re.compile(r"(<!-- make recipes -->\n).*?(<!-- end of make recipes -->\n)", re.DOTALL)
EVERY = "every value"


@dataclass(frozen=True)
class Outcome:
    """What became of the rows of one file: the changes of a recipe that took place, in the order of Change."""

    reader: str
    form: str
    codec: str
    options: Options
    changes: tuple[str, ...]

    @property
    def is_run(self) -> bool:
        return self.reader in {*PROGRAMS, *MORE} and (self.reader, self.form) not in NOT_RUN

    @property
    def file(self) -> tuple[str, ...]:
        return self.reader, self.form, self.codec, str(self.options)

    @property
    def result(self) -> str:
        return "; ".join(self.changes) or EVERY

    @property
    def is_changed(self) -> bool:
        """Whether the file itself changes values, whoever reads it."""
        return bool(self.options.get("spreadsheet_safe")) or self.options.get("quote") == "all"


def shown(options: Mapping[str, object]) -> str:
    """Options in a cell of a table."""
    return ", ".join(f"`{name}: {json.dumps(value)}`".replace("|", "\\|") for name, value in options.items())


def in_order(changes: Iterable[str]) -> tuple[str, ...]:
    """The texts of changes as a table has them."""
    among = set(changes)
    return tuple(change.value for change in Change if change.value in among)


def announced() -> Iterator[Outcome]:
    """What the recipes of the suite's files announce."""
    with tempfile.TemporaryDirectory() as folder:
        tables = {
            (form, place): Table(artifact_of(Path(folder), form.split(",")[0], codec, options), "odd")
            for form, variants in FORMS.items()
            for place, (codec, options) in enumerate(variants)
        }
    for reader in READERS:
        for form, codec, options in cases(reader):
            table = tables[form, FORMS[form].index((codec, options))]
            losses = recipe_for(table, reader).losses
            yield Outcome(reader, form, codec, options, in_order(loss.change.value for loss in losses))


def seen(results: Path) -> Iterator[Outcome]:
    """What the suite wrote down, a line of JSON for each file that a program has loaded."""
    for line in results.read_text(encoding="utf-8").splitlines():
        content = json.loads(line)
        yield Outcome(**{**content, "changes": in_order(content["changes"])})


def by_reader(outcomes: Sequence[Outcome]) -> str:
    """For docs/recipes.md: a line for each reader."""
    lines = ["| reader | formats | tested | what it cannot keep |", "|---|---|---|---|"]
    for reader, about in READERS.items():
        own = [outcome for outcome in outcomes if outcome.reader == reader]
        kept = "; ".join(_kept(own))
        lines.append(f"| `{reader}` | {'; '.join(about.forms)} | {_tested(reader)} | {kept} |")
    return "\n".join(lines) + "\n"


def _tested(reader: str) -> str:
    if reader in PROGRAMS:
        return "run"
    if reader in MORE:
        return "run on request"
    return "parsed" if "parser" in READERS[reader].checked else "not run"


def _kept(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What is lost of each form without options, the options that prevent it, and what a marker for null loses."""
    texts: dict[str, list[str]] = {}
    for form in dict.fromkeys(outcome.form for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.form == form and not outcome.is_changed]
        if text := _kept_of(own):
            texts.setdefault(text, []).append(form)
    return (f"{', '.join(forms)}: {text}" for text, forms in texts.items())


def _kept_of(outcomes: Sequence[Outcome]) -> str:
    first, *others = outcomes
    text = ", ".join(first.changes)
    whole = next((other for other in others if not other.changes), None)
    if not text or whole is None:
        marked = (other for other in others if other.options.get("null_marker"))
        more = (change for other in marked for change in other.changes if change not in first.changes)
        with_marker = ", ".join(dict.fromkeys(more))
        return "; ".join(filter(None, (text, with_marker and f"with `null_marker`: {with_marker}")))
    needs = NEEDS.get(first.reader, {}).get(first.form) or whole.options
    return f"{text} (every value with {shown(needs)})"


def by_file(outcomes: Sequence[Outcome]) -> str:
    """For docs/readers.md: a line for each file."""
    lines = ["| recipe | format | codec | options | arrives |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        if outcome.is_run:
            cells = (outcome.reader, outcome.form, outcome.codec, shown(outcome.options), outcome.result)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines).replace("  |", " |") + "\n"


def with_table(page: str, table: str) -> str:
    """A page with another table between its two marks."""
    assert BLOCK.search(page), "the page has no place for the table"
    return BLOCK.sub(lambda marks: marks[1] + table + marks[2], page, count=1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        call = [sys.executable, "-m", "pytest", "-q", SUITE]
        subprocess.run(
            call, cwd=ROOT, env=os.environ | {RESULTS: str(results), "RECIPE_READERS": "all"}, check=True
        )
        run = {item.file: item for item in seen(results)}
    outcomes = [run[item.file] if item.is_run else item for item in announced()]
    for page, table in (("recipes.md", by_reader(outcomes)), ("readers.md", by_file(outcomes))):
        path = ROOT / "docs" / page
        path.write_text(with_table(path.read_text(encoding="utf-8"), table), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
