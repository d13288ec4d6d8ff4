"""What is not personal goes out as it is: the sample's leads and events, exported with and without privacy, compared
value by value.

DAMAGE=1000000 in the environment compares so many leads instead of 1,500. What changed in free texts is printed by
kind (`pytest -s`)."""

import gzip
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from typer.testing import CliRunner

from export_pipelines.catalog import PiiClass, load_catalog
from export_pipelines.cli import app as cli
from export_pipelines.sample import generate_leads
from export_pipelines_tests.privacy.canary_store import DAY
from export_pipelines_tests.privacy.runs import REDACTED, export, make_project, unseal

LEADS = int(os.environ.get("DAMAGE", "1500"))
DATASETS = {"lead": "leads", "event": "events"}
FREE = ("comments", "user_agent", "city", "legacy_note", "undeclared text")
URLS = ("landing_page", "trustedform_cert_url")
OWN = ("first_name", "last_name", "address_1", "dob")
LONG_NUMBER = re.compile(r"-?\d{9,}")


class Number(str):
    """A number of JSON in the letters it is written in."""


@dataclass
class Compared:
    """`same` and `changed` count values by column; `kinds` says what changed in free texts."""

    rows: int = 0
    same: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)

    def text(self, name: str, before: str, after: Any, own: set[str]) -> None:
        if before == after:
            self.same[name] += 1
            return
        self.changed[name] += 1
        self.kinds[f"{name}: {kind_of(before, after, own)}"] += 1

    def value(self, name: str, before: Any, after: Any) -> None:
        self.same[name] += 1
        if (type(before), before) != (type(after), after):
            self.damaged.append(f"{name}: {before!r} became {after!r}")


def kind_of(before: str, after: Any, own: set[str]) -> str:
    """Why a text changed that holds nobody's data."""
    if not isinstance(after, str):
        return "not a text any more"
    words = {word for word in plain_words(before) if word not in plain_words(after)}
    if words and words <= own:
        return f"a word that is the lead's own name too: {', '.join(sorted(words))}"
    return f"other: {before[:60]!r} became {after[:60]!r}"


def plain_words(text: str) -> list[str]:
    return re.findall(
        r"[^\W_]+",
        "".join(sign for sign in normalize("NFKD", text.casefold()) if not "\u0300" <= sign <= "\u036f"),
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store of a project that has exported the sample with and without privacy."""
    folder = tmp_path_factory.mktemp("damage")
    generate_leads(f"sqlite:///{folder / 'leads.db'}", LEADS, 11, date.fromisoformat(DAY), 1, events=True)
    project = folder / "project"
    environment = make_project(project, folder / "leads.db")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "EXPORT_PIPELINES_DAGSTER"):
            patch.setenv(name, "")  # so that what a run sets is taken away again
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(project)
        for type in DATASETS:
            for name, privacy in (("masked", REDACTED), ("plain", "")):
                text = export(type, "ndjson", privacy, "gzip")
                (project / "exports" / f"{type}_{name}.yaml").write_text(text, encoding="utf-8")
                result = CliRunner().invoke(cli.app, ["--debug", "run", f"{type}_{name}", "--partition", DAY])
                assert result.exit_code == 0, result.stderr
        unseal(project, environment)
        yield project / "home" / "artifacts"


def lines(store: Path, name: str) -> Iterator[dict[str, Any]]:
    for part in sorted((store / name).rglob("*.ndjson.gz"), key=lambda path: (len(path.name), path.name)):
        with gzip.open(part, "rt", encoding="utf-8", newline="\n") as file:
            for line in file:
                yield json.loads(line, parse_int=Number, parse_float=Number)


@pytest.mark.parametrize("type", DATASETS)
def test_what_is_not_personal_is_not_changed(type: str, exported: Path) -> None:
    comparison = compared(type, exported)
    assert comparison.rows >= LEADS
    assert comparison.damaged == []
    texts = [name for name in comparison.same.keys() | comparison.changed.keys() if name in FREE]
    same, changed = (sum(counts[name] for name in texts) for counts in (comparison.same, comparison.changed))
    sys.stdout.write(
        f"\n{type}: {comparison.rows:,} rows, {same + changed:,} free texts, {changed:,} of them changed\n"
    )
    sys.stdout.writelines(f"{count:9,}  {kind}\n" for kind, count in comparison.kinds.most_common())
    assert len(texts) == len(FREE)
    assert same >= 0.999 * (same + changed), comparison.kinds.most_common(20)


def compared(type: str, store: Path) -> Compared:
    comparison = Compared()
    none = {
        column.id
        for column in load_catalog(None).dataset(DATASETS[type]).fields
        if column.pii is PiiClass.NONE
    }
    for before, after in zip(lines(store, f"{type}_plain"), lines(store, f"{type}_masked"), strict=True):
        comparison.rows += 1
        person = before.get("lead") or before
        own = {word for name in OWN for word in plain_words(str(person.get(name) or ""))}
        assert list(before) == list(after)
        _compare("", before, after, none, own, comparison)
    return comparison


def _compare(path: str, before: Any, after: Any, none: set[str], own: set[str], comparison: Compared) -> None:
    """Objects key by key; what is not personal exactly, free texts as counts, other personal values not at all."""
    if isinstance(before, dict) and path not in none:
        assert list(before) == list(after), path
        for key, value in before.items():
            _compare(f"{path}.{key}" if path else key, value, after[key], none, own, comparison)
        return
    if isinstance(before, list):
        for item, other in zip(before, after, strict=True):
            _compare(path, item, other, none, own, comparison)
        return
    name = path.removeprefix("lead.")
    inside = path.removeprefix("lead.").partition(".")[0] in ("custom", "appended") or "_components" in path
    if path in none or before is None or isinstance(before, bool):
        comparison.value(name, before, after)
    elif isinstance(before, Number):
        if LONG_NUMBER.fullmatch(before):
            comparison.kinds[f"{name}: a number of nine or more digits"] += 1
        else:
            comparison.value(name, before, after)
    elif name in URLS:
        comparison.kinds[f"{name}: {_of_url(before, after)}"] += 1
    elif name in FREE or inside:
        known = (
            name
            if name in FREE
            else next((text for text in FREE if path.endswith(f".{text}")), "undeclared text")
        )
        comparison.text(known, before, after, own)


def _of_url(before: str, after: Any) -> str:
    if before == after:
        return "as it was"
    return (
        "without query or fragment"
        if re.split(r"[?#]", before)[0] == re.split(r"[?#]", str(after))[0]
        else "path redacted"
    )
