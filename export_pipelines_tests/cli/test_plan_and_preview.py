"""What a run would do, and the first rows of it."""

import pytest

from export_pipelines_tests.cli.answers import WHOLE, Terminal, data, delivered
from export_pipelines_tests.conftest import Project


def test_plan_shows_what_a_run_would_do(terminal: Terminal, project: Project) -> None:
    before = project.tree(ledger=False)
    answer = terminal("plan", "daily", "--partition", "2024-01-15")
    assert answer.code == 0, answer.stderr
    for text in ("SELECT", "[2024-01-15T00:00:00.000Z, 2024-01-16T00:00:00.000Z)", "masked", "leads_part_1.csv", "{{export}}/{{date}}", "rows         10"):  # fmt: skip
        assert text in answer.stdout
    assert project.tree(ledger=False) == before


@pytest.mark.parametrize(
    "asked",
    [
        "where: {email: jane.roe@example.com}",
        "rules: [{lhv: email.user, op: matches pattern, rhv: 'jane.roe'}]",
    ],
)
def test_plan_shows_no_personal_value_that_is_asked_for(
    terminal: Terminal, project: Project, asked: str
) -> None:
    project.write(
        "asked", f"type: lead\nformat: csv\nfields: [lead_id]\npartition: daily\nfilter:\n  {asked}\n"
    )
    for json_too in ((), ("--json",)):
        answer = terminal("plan", "asked", "--partition", "2024-01-15", *json_too)
        assert answer.code == 0, answer.stderr
        assert "jane" not in answer.stdout
        assert "***" in answer.stdout


def test_plan_of_few_rows_tells_the_bytes_that_the_run_then_writes(terminal: Terminal) -> None:
    planned = data(terminal("plan", "daily", "--partition", "2024-01-15", "--json"))
    made = data(terminal("run", "daily", "--partition", "2024-01-15", "--json"))["artifacts"][0]
    assert (planned["rows"], planned["bytes"], planned["raw_bytes"]) == (
        made["rows"], made["bytes"], made["raw_bytes"],
    )  # fmt: skip


def test_plan_of_an_empty_window_has_no_rows(terminal: Terminal, project: Project) -> None:
    project.write("whole", WHOLE)
    planned = data(terminal("plan", "whole", "--start", "2019-01-01", "--end", "2020-01-01", "--json"))
    assert planned["rows"] == 0


def test_preview_shows_masked_rows_and_writes_nothing(terminal: Terminal, project: Project) -> None:
    before = project.tree(ledger=False)
    rows = data(terminal("preview", "daily", "--partition", "2024-01-15", "--json"))
    assert len(rows) == 10 and project.tree(ledger=False) == before
    terminal("run", "daily", "--partition", "2024-01-15")
    assert delivered(project, "2024-01-15") == rows
    assert all("***" in row["email"] for row in rows if row["email"])


def test_preview_stops_at_20_rows(terminal: Terminal, project: Project) -> None:
    project.write("whole", WHOLE)
    assert len(data(terminal("preview", "whole", "--json"))) == 20


def test_no_value_of_a_lead_drives_the_terminal(terminal: Terminal, project: Project) -> None:
    project.write("whole", WHOLE)
    answer = terminal("preview", "whole")
    assert not [sign for sign in answer.stdout if ord(sign) < 32 and sign != "\n"]
