"""Whole runs on a database that cannot be asked everything: files, limits, previews and plans are those of SQLite."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.definition.export import Limits, Split
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.definition.output import Format
from export_pipelines.errors import LimitReached, RequestError, WindowError
from export_pipelines.estimate import estimate
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.describe import describe
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines.run.preview import preview
from export_pipelines.sample import generate_leads
from export_pipelines.settings import Settings
from export_pipelines_tests.conftest import Answer, Project
from export_pipelines_tests.run.whole_run import NOW, plan_of, token

LEADS = 3000
WHOLE = "2024-01-15"
GMAIL = Rule(lhv="email.domain", op=Op.EQUAL, rhv="gmail.com")
VALID = Rule(lhv="email", op=Op.VALID)
OTHERS = ("postgresql", "duckdb")
DATABASES = ("sqlite", *OTHERS)


@dataclass(frozen=True)
class Stores:
    """The same leads of one day in each database."""

    urls: dict[str, str]
    folder: Path

    @property
    def store(self) -> Store:
        return open_store(str(self.folder / "store"))

    def run(self, dialect: str, n: int = 1, **changes: Any) -> list[dict[str, str]]:
        """The rows of a run's files."""
        source = open_source(self.urls[dialect])
        manifest = run_export(
            plan(dialect, **changes), RunContext(source, self.store, Keys(), lambda: NOW), token(n)
        )
        return list(self.rows(manifest))

    def rows(self, manifest: Manifest) -> Iterator[dict[str, str]]:
        for part in manifest.parts:
            with self.store.open(manifest.artifact, part.name) as file:
                yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))


def plan(dialect: str, *rules: Rule, **changes: Any) -> Plan:
    return plan_of(dialect=dialect, **{"filter": Filter(rules=rules or (GMAIL,)), **changes})


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, postgresql_url: str) -> dict[str, str]:
    made = {
        "sqlite": f"sqlite:///{tmp_path_factory.mktemp('rest') / 'leads.db'}",
        "postgresql": postgresql_url,
        "duckdb": f"duckdb:///{tmp_path_factory.mktemp('rest') / 'leads.duckdb'}",
    }
    for url in made.values():
        generate_leads(url, LEADS, 7, date.fromisoformat(WHOLE), 1, replace=True)
    return made


@pytest.fixture
def stores(urls: dict[str, str], tmp_path: Path) -> Stores:
    return Stores(urls, tmp_path)


@pytest.mark.parametrize("dialect", OTHERS)
def test_the_files_are_those_of_sqlite(stores: Stores, dialect: str) -> None:
    rows = stores.run(dialect)
    assert rows == stores.run("sqlite", 2)
    assert 0 < len(rows) < LEADS
    assert {row["email"].strip().lower().rpartition("@")[2] for row in rows} == {"gmail.com"}


@pytest.mark.parametrize("dialect", DATABASES)
def test_a_rule_on_an_age_means_the_age_that_is_exported(stores: Stores, dialect: str) -> None:
    fields = ("lead_id", "dob", "dob.age", "dob.year")
    everyone = stores.run("sqlite", filter=Filter(), fields=fields)
    older = Filter(
        rules=(Rule(lhv="dob.age", op=Op.GREATER, rhv=40), Rule(lhv="dob.year", op=Op.LESS, rhv=1980))
    )
    wanted = [row for row in everyone if row["dob"] and int(row["dob_age"]) > 40 and row["dob"] < "1980"]
    assert 0 < len(wanted) < len(everyone)
    assert stores.run(dialect, 2, filter=older, fields=fields) == wanted


@pytest.mark.parametrize(
    "changes",
    [{"fields": ("dob.age",)}, {"filter": Filter(rules=(Rule(lhv="dob.age", op=Op.GREATER, rhv=40),))}],
    ids=["field", "rule"],
)
def test_the_whole_history_has_no_day_at_which_an_age_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(WindowError, match="dob.age is told at the end of the window.*give --start and --end"):
        plan_of(None, partition=None, **changes)


def test_more_rows_than_the_limit_stop_the_run_and_leave_nothing(stores: Stores) -> None:
    stay = len(stores.run("sqlite"))
    with pytest.raises(
        LimitReached, match=f"the limit is {stay - 1}; the run was stopped and nothing was kept"
    ):
        stores.run("postgresql", 2, limits=Limits(rows=stay - 1))
    assert len(list((stores.folder / "store").rglob("manifest.json"))) == 1


def test_a_limit_that_only_the_counted_rows_are_beyond_is_none(stores: Stores) -> None:
    stay = len(stores.run("sqlite"))
    assert len(stores.run("postgresql", 2, limits=Limits(rows=stay))) == stay


def test_more_rows_than_a_format_holds_stop_the_run_too(stores: Stores) -> None:
    made = plan("postgresql", format=Format(name="xlsx"), split=Split())
    assert made.encoding
    small = made.model_copy(update={"encoding": made.encoding.model_copy(update={"max_rows": 5})})
    with pytest.raises(RequestError, match="too many rows match, and one xlsx file holds 5"):
        run_export(
            small,
            RunContext(open_source(stores.urls["postgresql"]), stores.store, Keys(), lambda: NOW),
            token(1),
        )
    assert not list((stores.folder / "store").rglob("*.xlsx*"))


def test_a_preview_shows_the_first_rows_that_stay(stores: Stores) -> None:
    shown = []
    for dialect in DATABASES:
        made = plan(dialect)
        with closing(open_source(stores.urls[dialect]).read(made.query)) as batches:  # type: ignore[type-var]
            shown.append(preview(made, batches, Keys(), rows=7).rows)
    assert shown[0] == shown[1] and len(shown[0]) == 7


def test_rows_that_were_all_seen_are_counted_and_others_are_at_most(stores: Stores) -> None:
    source = open_source(stores.urls["postgresql"])
    settings = Settings.load({}, stores.folder)
    few, many = (estimate(plan("postgresql", rule), source, settings) for rule in (GMAIL, VALID))
    assert (few.rows, few.exact, few.at_most) == (len(stores.run("sqlite")), True, False)
    assert (many.rows, many.exact, many.at_most) == (LEADS, False, True)


def test_a_plan_tells_what_is_asked_afterwards_and_no_personal_value(stores: Stores) -> None:
    secret = Rule(lhv="email", op=Op.MATCHES, rhv=r"(?i)zoë\.secret")
    text = describe(plan("postgresql", GMAIL, secret, Rule(lhv="state", op=Op.EQUAL, rhv="TX")))
    assert "rows where   submitted_at in [2024-01-15T00:00:00.000Z" in text
    assert '         and state is equal to "TX"\n' in text
    assert 'residual     email.domain is equal to "gmail.com"\n         and email matches pattern ***' in text
    assert "then of these rows, in memory" in text and 'with ["gmail.com", "***"]' in text.replace("\n", "")
    assert "secret" not in text


def test_sqlite_is_asked_everything(stores: Stores) -> None:
    made = plan("sqlite", GMAIL, VALID)
    assert made.query.residual is None and "residual" not in describe(made)
    told = made.model_dump(mode="json")
    assert told["query"]["residual"] is None and told["filter"]["residual"] == []


def test_a_plan_travels_as_json(stores: Stores) -> None:
    made = plan("postgresql")
    again = Plan.model_validate_json(made.model_dump_json())
    assert (again, fingerprint(again)) == (made, fingerprint(made))


def test_the_terminal_says_at_most(
    terminal: Callable[..., Answer], project: Project, urls: dict[str, str]
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = urls["postgresql"]
    project.write(
        "valid",
        "description: x\ntype: lead\nformat: csv\nfields: [lead_id, email]\nlimits: {rows: 2900}\n"
        "filter: {rules: [{lhv: email, op: format is valid}]}\n",
    )
    answer = terminal("plan", "valid")
    assert answer.code == 0, answer.stderr
    assert (
        f"rows         at most {LEADS:,}" in answer.stdout
        and "residual     email format is valid" in answer.stdout
    )
    assert "which may be more than the limits" in answer.stdout
