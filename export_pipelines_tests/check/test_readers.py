"""`for:` in an export: what its readers would change is told before the first file is made."""

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from export_pipelines.check.readers import manifest_before
from export_pipelines.definition.output import WrittenFormat, format_of
from export_pipelines.definition.readers import ReaderName, formats_of
from export_pipelines.recipes import READERS, Table, recipe_for
from export_pipelines_tests.conftest import Answer, Project
from export_pipelines_tests.encode.tables import plan_of as plan_of_table
from export_pipelines_tests.recipes.odd_tables import COLUMNS

Terminal = Callable[..., Answer]
EXPORT = """\
type: lead
format: {format}
fields: [lead_id, reference, price]
partition: daily
start: 2024-01-01
for: {readers}
"""


def checked(project: Project, terminal: Terminal, form: str, readers: str) -> tuple[int, list[str]]:
    """The exit code, and what is said of the export."""
    project.write("daily", EXPORT.format(format=form, readers=readers))
    answer = terminal("check", "daily")
    return answer.code, sorted(line for line in answer.stdout.splitlines() if not line.startswith("note: "))


def test_the_names_are_those_that_have_a_recipe() -> None:
    assert get_args(ReaderName) == tuple(READERS)


def test_each_loss_is_a_warning_with_its_line_and_what_prevents_it(
    project: Project, terminal: Terminal
) -> None:
    code, (empty, word) = checked(project, terminal, "csv", "[duckdb, mariadb]")
    assert code == 0
    assert (
        empty.startswith("warning: ") and "daily.yaml:6: MariaDB 10.11: the empty text becomes null" in empty
    )
    assert 'lead_id, reference (keep it by format: {csv: {null_marker: "NULL"}})' in empty
    assert "the text NULL becomes null" in word


@pytest.mark.parametrize(
    ("form", "readers"),
    [
        ('{csv: {null_marker: "NULL"}}', "mariadb"),
        ("{tsv: {escape: backslash}}", "[mariadb, postgresql]"),
        ("parquet", "[duckdb]"),
    ],
)
def test_what_keeps_every_value_is_no_warning(
    form: str, readers: str, project: Project, terminal: Terminal
) -> None:
    assert checked(project, terminal, form, readers) == (0, [])


def test_a_format_that_a_reader_does_not_read_is_a_warning(project: Project, terminal: Terminal) -> None:
    code, (said,) = checked(project, terminal, "json", "[excel]")
    assert code == 0
    assert said.endswith("has no recipe for json (export the window as one of: csv; tsv; xlsx)")


def test_an_unknown_reader_is_a_fault_with_its_line(project: Project, terminal: Terminal) -> None:
    code, (said,) = checked(project, terminal, "csv", "[duckdb, mariabd]")
    assert code == 2 and "daily.yaml:6: for.1: " in said and 'did you mean "mariadb"?' in said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("recipes: [duckdb, mariabd]", 'recipes.1: unknown reader "mariabd"; did you mean "mariadb"?'),
        (
            "recipes: spss",
            'recipes.0: unknown reader "spss"; allowed: athena, bigquery, clickhouse, dbt, duckdb',
        ),
        ("recipes: athena", "recipes: athena has no recipe for csv; leave it out, or export one of: parquet"),
    ],
)
def test_a_recipe_that_cannot_be_is_a_fault_with_its_line(
    key: str, said: str, project: Project, terminal: Terminal
) -> None:
    text = EXPORT.format(format="csv", readers="duckdb")
    project.write("daily", f"{text}{key}\n")
    answer = terminal("check", "daily")
    assert answer.code == 2 and f"daily.yaml:7: {said}" in answer.stdout


def plan_of(project: Project, terminal: Terminal, form: str) -> dict[str, Any]:
    project.write(
        "daily", EXPORT.format(format=form, readers="duckdb") + "recipes: [pandas, postgresql, pandas]\n"
    )
    answer = terminal("plan", "daily", "--partition", "2024-01-15", "--json")
    assert answer.code == 0, answer.stderr
    plan: dict[str, Any] = json.loads(answer.stdout)
    return plan


@pytest.mark.parametrize(
    ("taken", "written"),
    [
        ("{csv: {for: mariadb}}", '{csv: {null_marker: "NULL"}}'),
        ("{csv: {for: mariadb, header: labels}}", '{csv: {null_marker: "NULL", header: labels}}'),
        ('{csv: {for: mariadb, null_marker: "NULL"}}', '{csv: {null_marker: "NULL"}}'),
        ("{tsv: {for: clickhouse}}", "{tsv: {escape: backslash}}"),
        ("{csv: {for: r}}", "{csv: {quote: text}}"),
        ("{ndjson: {for: sqlite}}", "ndjson"),
        ("{json: {for: postgresql, pretty: true}}", "{json: {pretty: true}}"),
    ],
)
def test_a_format_takes_what_its_reader_needs(
    taken: str, written: str, project: Project, terminal: Terminal
) -> None:
    by_reader, by_hand = (plan_of(project, terminal, form) for form in (taken, written))
    assert by_reader["plan"]["encoding"]["options"] == by_hand["plan"]["encoding"]["options"]
    assert by_reader["fingerprint"] == by_hand["fingerprint"]
    assert by_hand["plan"]["output"]["recipes"] == ["pandas", "postgresql"]


def test_the_plan_shows_what_was_taken_and_the_recipes(project: Project, terminal: Terminal) -> None:
    plan_of(project, terminal, "{csv: {for: mariadb}}")
    lines = terminal("plan", "daily", "--partition", "2024-01-15").stdout.splitlines()
    (form,) = [line for line in lines if line.startswith("format ")]
    assert form.endswith('null_marker: "NULL", spreadsheet_safe: false; mariadb needs null_marker: "NULL"')
    assert "recipes      pandas, postgresql" in lines


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            '{csv: {for: mariadb, null_marker: "-"}}',
            'null_marker: mariadb needs "NULL", not "-"; leave null_marker out, or for',
        ),
        (
            "{tsv: {for: mariadb, null_marker: x}}",
            "null is \\N where texts are escaped; leave null_marker out",
        ),
        ("{parquet: {for: mariadb}}", "for: mariadb has no recipe for parquet, but for csv, tsv"),
        ("{csv: {for: mysql}}", 'unknown reader "mysql"; '),
        ("{csv: {for: [mariadb]}}", "a word is expected, not a list; allowed: postgresql, mariadb"),
    ],
)
def test_a_format_that_its_reader_does_not_take_is_one_fault(
    form: str, said: str, project: Project, terminal: Terminal
) -> None:
    code, lines = checked(project, terminal, form, "duckdb")
    faults = [line for line in lines if "daily.yaml:2: format" in line]
    assert code == 2 and len(faults) == 1 and said in faults[0]


@pytest.mark.parametrize("reader", READERS)
def test_no_option_of_the_format_would_keep_more_than_those_that_are_taken(reader: str) -> None:
    for form in formats_of(reader):
        options = format_of(TypeAdapter(WrittenFormat).validate_python({form: {"for": reader}})).options
        manifest = manifest_before(plan_of_table(COLUMNS, form, options=options))
        for loss in recipe_for(Table(manifest, "t"), reader).losses:
            assert f"format: {{{form}:" not in loss.remedy, (form, loss)
