"""Columns that readers rely on: what may change under each contract, at real runs of real stores."""

import re
from pathlib import Path

import pytest

from export_pipelines.artifacts.contract import Changes, ReaderColumn, changes_of
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import DAILY, Project

RUN = ("run", "daily", "--partition")
FIELDS = "[lead_id, submitted_at, email, state, revenue]"
BREAKING = [
    ("state, revenue", "revenue", "gone: state"),
    ("state, revenue", "revenue, state", "order: revenue stands where state stood"),
    ("email, state", "price, email, state", "added: price, before other columns"),
    ("format: csv", "format: {csv: {header: labels}}", "renamed: state is State now"),
    ("{email: mask}", "{email: keep}", "mask: email was masked, is in clear"),
    ("{email: mask}", "{email: mask, revenue: mask}", "type: revenue was decimal(2), is text"),
]
HARMLESS = [
    ("format: csv", "format: csv\ncompression: gzip"),
    ("start: 2024-01-01", "start: 2024-01-01\nfilter: {where: {state: TX}}"),
    ("revenue]", "revenue, price]"),
]


def artifacts(terminal: Terminal) -> list[str]:
    return [artifact["artifact"] for artifact in data(terminal("artifacts", "--json"))]


def written(project: Project) -> set[str]:
    return {name for name in project.tree(ledger=False) if "artifacts/" in name or "delivered/" in name}


def test_a_change_that_breaks_readers_stops_the_run_before_it_writes(
    terminal: Terminal, project: Project
) -> None:
    assert terminal(*RUN, "2024-01-15").code == 0
    before, files = artifacts(terminal), written(project)
    for old, new, line in BREAKING:
        project.write("daily", DAILY.replace(old, new))
        answer = terminal(*RUN, "2024-01-16")
        assert answer.code == 2, line
        assert f"\n  {line}\n" in answer.stderr
        assert "version: 2" in answer.stderr and before[0] in answer.stderr
        assert artifacts(terminal) == before and written(project) == files, line


def test_what_breaks_no_reader_goes_on(terminal: Terminal, project: Project) -> None:
    assert terminal(*RUN, "2024-01-15").code == 0
    for day, (old, new) in enumerate(HARMLESS, 16):
        project.write("daily", DAILY.replace(old, new))
        assert terminal(*RUN, f"2024-01-{day}").code == 0, new


def test_another_field_under_the_same_header_breaks_readers() -> None:
    """As labels can be, which a catalog gives and takes."""
    was = [ReaderColumn(id, id.title(), "text", "in clear") for id in ("city", "state")]
    now = [column._replace(id=id) for column, id in zip(was, ("state", "city"), strict=True)]
    lines = ("field: City was city, is state", "field: State was state, is city")
    for nested in (False, True):
        assert changes_of(was, now, nested) == Changes(lines, ())
        assert changes_of(was, was, nested) == Changes((), ())


def test_frozen_allows_no_column_more_and_free_allows_all(terminal: Terminal, project: Project) -> None:
    longer = DAILY.replace("revenue]", "revenue, price]")
    assert terminal(*RUN, "2024-01-15").code == 0
    project.write("daily", longer + "contract: frozen\n")
    answer = terminal(*RUN, "2024-01-16")
    assert answer.code == 2 and "\n  added: price\n" in answer.stderr
    project.write("daily", DAILY.replace(FIELDS, "[price, email]") + "contract: free\n")
    assert terminal(*RUN, "2024-01-16").code == 0


def test_columns_of_objects_have_no_order(terminal: Terminal, project: Project) -> None:
    yaml = DAILY.replace("format: csv", "format: ndjson")
    project.write("daily", yaml)
    assert terminal(*RUN, "2024-01-15").code == 0
    project.write("daily", yaml.replace(FIELDS, "[revenue, price, state, email, submitted_at, lead_id]"))
    assert terminal(*RUN, "2024-01-16").code == 0
    project.write("daily", yaml.replace("state, ", ""))
    assert "\n  gone: state\n" in terminal(*RUN, "2024-01-17").stderr


def test_version_2_lies_beside_version_1(terminal: Terminal, project: Project) -> None:
    path = '"{{export}}_v{{version}}/{{date}}"'
    yaml = DAILY.replace('"{{export}}/{{date}}"', path)
    project.write("daily", yaml)
    assert terminal(*RUN, "2024-01-15").code == 0
    project.write("daily", yaml.replace("state, ", "") + "version: 2\n")
    made = [data(terminal(*RUN, day, "--json"))["artifacts"][0] for day in ("2024-01-15", "2024-01-16")]
    assert all((project.home / "delivered" / f"daily_v{n}" / "2024-01-15").is_dir() for n in (1, 2))
    manifest = (project.home / "artifacts" / made[0]["artifact"] / "manifest.json").read_text()
    assert '"version": 2' in manifest
    # what was released is the contract from then on, and version 1 may come back for its own readers
    project.write("daily", yaml + "version: 2\n")
    assert "version: 3" in terminal(*RUN, "2024-01-17").stderr
    project.write("daily", yaml)
    assert terminal(*RUN, "2024-01-17").code == 0


def test_version_1_goes_on_in_a_file_of_its_own(terminal: Terminal, project: Project) -> None:
    assert terminal(*RUN, "2024-01-15").code == 0
    project.write("daily_v1", DAILY.replace("{{export}}", "daily"))
    project.write(
        "daily",
        DAILY.replace("{{export}}", "{{export}}_v{{version}}").replace("state, ", "") + "version: 2\n",
    )
    for name in ("daily", "daily_v1"):
        answer = terminal("run", name, "--partition", "2024-01-16")
        assert answer.code == 0, answer.stderr
    delivered = project.home / "delivered"
    assert {path.name for path in (delivered / "daily").iterdir()} == {"2024-01-15", "2024-01-16"}
    assert {path.name for path in (delivered / "daily_v2").iterdir()} == {"2024-01-16"}


def test_what_one_run_alone_changes_has_no_contract(terminal: Terminal, project: Project) -> None:
    assert terminal(*RUN, "2024-01-15").code == 0
    project.write("daily", DAILY.replace("state, ", ""))
    assert terminal(*RUN, "2024-01-16", "--set", "filter.where={state: TX}").code == 0
    assert terminal(*RUN, "2024-01-16").code == 2


@pytest.mark.parametrize("first", [True, False], ids=["no artifact", "a damaged manifest"])
def test_without_an_artifact_that_can_be_read_plan_says_that_there_is_no_contract(
    terminal: Terminal, project: Project, first: bool
) -> None:
    if not first:
        assert terminal(*RUN, "2024-01-15").code == 0
        for manifest in (project.home / "artifacts").rglob("manifest.json"):
            manifest.write_text(manifest.read_text().replace('"rows": 10', '"rows": 11'))
        project.write("daily", DAILY.replace("state, ", ""))
    line = next(
        line
        for line in terminal("plan", "daily", "--partition", "2024-01-16").stdout.splitlines()
        if line.startswith("contract")
    )
    assert line.startswith("contract     additive, version 1, none: there is no artifact of version 1")
    assert ("1 that are damaged" in line) is not first
    assert terminal(*RUN, "2024-01-16").code == 0


def test_plan_and_check_warn_before(terminal: Terminal, project: Project) -> None:
    assert "warning" not in terminal("check", "daily").stdout
    assert terminal(*RUN, "2024-01-15").code == 0
    without = terminal("check", "daily")
    assert "warning" not in without.stdout and without.stderr.endswith("1 export checked, nothing is wrong\n")
    same = data(terminal("plan", "daily", "--partition", "2024-01-16", "--json"))["contract"]
    assert (same["before"], same["breaking"]) == (artifacts(terminal)[0], [])
    project.write("daily", DAILY.replace("state, ", ""))
    checked = terminal("check", "daily")
    assert checked.code == 0 and checked.stderr.endswith("1 export checked, 1 warning\n")
    assert re.search(r"^warning: .*exports/daily\.yaml:4: ", checked.stdout, re.MULTILINE)
    assert "\n  gone: state\n" in checked.stdout
    planned = terminal("plan", "daily", "--partition", "2024-01-16")
    assert planned.code == 0 and "\n  gone: state\n" in planned.stderr
    assert data(terminal("plan", "daily", "--partition", "2024-01-16", "--json"))["contract"]["breaking"] == [
        "gone: state"
    ]


REPORT = """\
type: report
format: csv
metrics: [leads, cost]
group_by: [state]
over: leads
partition: daily
start: 2024-01-01
"""


def test_the_columns_of_a_report_are_a_contract_and_those_of_a_pivot_are_free(
    terminal: Terminal, project: Project
) -> None:
    project.write("states", REPORT)
    run = ("run", "states", "--partition")
    assert terminal(*run, "2024-01-15").code == 0
    project.write("states", REPORT.replace("[leads, cost]", "[leads]"))
    assert "\n  gone: cost\n" in terminal(*run, "2024-01-16").stderr
    project.write("states", REPORT.replace("[leads, cost]", "[leads]") + "pivot: state\n")
    answer = terminal(*run, "2024-01-16")
    assert answer.code == 0, answer.stderr


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("contract: loose", "contract: "),
        ("version: 0", "version: "),
        ("version: '2'", "version: "),
    ],
)
def test_a_wrong_key_is_one_fault_with_its_line(
    terminal: Terminal, project: Project, line: str, fault: str
) -> None:
    file: Path = project.write("daily", DAILY + line + "\n")
    answer = terminal("check", "daily")
    place = f"{file.name}:{len(DAILY.splitlines()) + 1}: {fault}"
    assert answer.code == 2 and place in answer.stdout, answer.stdout
