"""`for:` in an export: what its readers would change is told before the first file is made."""

from collections.abc import Callable
from typing import get_args

import pytest

from export_pipelines.definition.readers import ReaderName
from export_pipelines.recipes import READERS
from export_pipelines_tests.conftest import Answer, Project

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
