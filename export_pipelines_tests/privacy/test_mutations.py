"""The canaries see when the program does not: with one recogniser, rule or filter switched off, the search has hits."""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.mask import kernel, reading, recognise
from export_pipelines.project import Project
from export_pipelines_tests.privacy.canary_store import DAY, write_store
from export_pipelines_tests.privacy.runs import REDACTED, export, make_project, searched, unseal

LEADS = 300
COMMENTS, CUSTOM = "privacy: {comments: redact}\n", "privacy: {custom: redact}\n"
Mutation = Callable[[pytest.MonkeyPatch], None]


def without(recogniser: str) -> Mutation:
    """No column is read by this recogniser."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        off = getattr(recognise, recogniser)
        for module in masking():
            for name, value in list(vars(module).items()):
                if isinstance(value, tuple) and off in value:
                    patch.setattr(module, name, tuple(function for function in value if function is not off))
        everywhere(off, lambda *arguments: ())(patch)

    return mutate


def everywhere(value: Any, by: Any) -> Mutation:
    """Wherever a module of the masking room has this value, it has another."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        for module in masking():
            for name in [name for name, member in vars(module).items() if member is value]:
                patch.setattr(module, name, by)

    return mutate


def masking() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.startswith("export_pipelines.mask")]


def unseen(flag: int) -> Mutation:
    """The pass over bytes does not tell this."""
    scan = kernel.Rows.scan

    def mutate(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(kernel.Rows, "scan", lambda *all, **named: scan(*all, **named) & (255 ^ flag))

    return mutate


@dataclass(frozen=True)
class Case:
    """What is switched off, the kind of value that is found then, and in which export."""

    mutate: Mutation
    kind: str
    privacy: str = REDACTED
    fields: str = "all"


MUTATIONS = {
    "addresses": Case(without("addresses"), "email"),
    "users of URLs": Case(without("users"), "email"),
    "numbers": Case(without("numbers"), "phone"),
    "names": Case(without("own_words"), "name"),
    "streets": Case(without("own_words"), "street"),
    "never exported": Case(without("never_exported"), "ssn", privacy=""),
    "names of keys": Case(everywhere(never_exported_type, lambda key: None), "closed", privacy=""),
    "encodings": Case(everywhere(reading.ENCODED, re.compile(r"(?!)")), "email"),
    "accents": Case(everywhere(reading.fold, str), "name"),
    "numbers in texts": Case(unseen(kernel.LONG_NUMBER), "phone", COMMENTS, "[lead_id, comments]"),
    "objects": Case(unseen(255), "phone", CUSTOM, "[lead_id, custom]"),
    "addresses in texts": Case(unseen(kernel.ADDRESS), "email", COMMENTS, "[lead_id, comments]"),
    "names in texts": Case(unseen(kernel.OWN), "name", COMMENTS, "[lead_id, comments]"),
    "what is encoded": Case(unseen(kernel.ENCODED), "email", COMMENTS, "[lead_id, comments]"),
    "digits of other scripts": Case(
        unseen(kernel.FOREIGN_DIGIT | kernel.NEVER), "phone", COMMENTS, "[lead_id, comments]"
    ),
    "numbers without privacy": Case(unseen(kernel.NEVER), "ssn", privacy=""),
    "keys": Case(unseen(kernel.KEY | kernel.NEVER), "closed", privacy=""),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("source") / "leads.db"
    write_store(file, LEADS)
    return file


@pytest.fixture
def forgetful() -> Iterator[None]:
    """What the program remembers of texts is forgotten before and after."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("export_pipelines."):
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()


def kinds(folder: Path, source: Path, case: Case) -> set[str]:
    """The kinds of values that are found in an export of leads."""
    environment = make_project(folder, source)
    text = export("lead", "csv", case.privacy, fields=case.fields)
    (folder / "exports" / "leads.yaml").write_text(text, encoding="utf-8")
    Project.open(folder, environment).run("leads", DAY)
    unseal(folder, environment)
    return {hit["kind"] for hit in searched(folder / "home" / "artifacts").hits}


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], set[str]]:
    """The kinds that are found in the case's export with nothing switched off; cases share exports."""
    by_export: dict[tuple[str, str], set[str]] = {}

    def of(case: Case) -> set[str]:
        if (key := (case.privacy, case.fields)) not in by_export:
            by_export[key] = kinds(tmp_path_factory.mktemp("whole") / "project", source, case)
        return by_export[key]

    return of


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("name", MUTATIONS)
def test_what_is_switched_off_is_found(
    name: str,
    source: Path,
    whole: Callable[[Case], set[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = MUTATIONS[name]
    assert case.kind not in whole(case)
    _forget()
    case.mutate(monkeypatch)
    assert case.kind in kinds(tmp_path / "mutated", source, case)
