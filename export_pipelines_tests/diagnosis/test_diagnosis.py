"""Each cause that people ask about is found, with what to do, and nothing else is called a cause."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from export_pipelines.cli import app as cli
from export_pipelines_tests.conftest import NOW, Answer, Project

Terminal = Callable[..., Answer]
DAILY = """\
type: lead
format: csv
fields: [lead_id, submitted_at, email, state]
partition: daily
start: 2024-01-01
privacy: {email: mask}
"""
FOLDER = 'deliver: [{folder: {path: "{{export}}/{{date}}"}}]\n'


def told(terminal: Terminal, name: str = "daily") -> dict[str, list[dict[str, str]]]:
    answer = terminal("diagnose", name, "--json")
    assert answer.code == 0
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def texts(found: dict[str, list[dict[str, str]]], question: str, tone: str | None = None) -> str:
    return "\n".join(
        f"{item['text']} {item['then']}" for item in found[question] if tone in (None, item["tone"])
    )


def without_daemon(found: dict[str, list[dict[str, str]]]) -> list[str]:
    """The causes, but for Dagster's daemon, which runs in no test of this module."""
    causes = [item["text"] for findings in found.values() for item in findings if item["tone"] == "bad"]
    return [cause for cause in causes if "takes runs from the queue" not in cause]


def test_what_is_well_has_no_cause(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY + FOLDER)
    assert terminal("run", "daily", "--partition", "2024-02-04").code == 0
    found = told(terminal)
    assert without_daemon(found) == []
    assert "arrived at folder" in texts(found, "missing", "good")
    assert "has its file" in texts(found, "late", "good")
    assert "every byte is as it was written" in texts(found, "unreadable", "good")
    assert "masked on purpose: email" in texts(found, "unreadable", "note")


def test_no_daemon_is_a_cause(project: Project, terminal: Terminal) -> None:
    found = told(terminal)
    assert "do not answer" in texts(found, "missing", "bad")
    assert "export-pipelines ui" in texts(found, "missing", "bad")


def test_what_never_ran_is_told_how_to_run(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY)
    found = told(terminal)
    assert "has never run" in texts(found, "missing", "note")
    assert "export-pipelines run daily --partition 2024-02-04" in texts(found, "missing")


def test_a_schedule_that_is_off_is_a_cause(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY + "schedule: daily at 02:00\n")
    found = told(terminal)
    assert "turned off in Dagster" in texts(found, "late", "bad")
    assert "daily_schedule" in texts(found, "late", "bad")
    assert "--partition 2024-02-04" in texts(found, "late", "bad")


def test_faults_of_the_file_are_a_cause(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY.replace("state]", "stat]"))
    found = told(terminal)
    assert 'did you mean "state"?' in texts(found, "missing", "bad")


def test_an_export_that_is_not_there_is_a_wrong_request(terminal: Terminal) -> None:
    answer = terminal("diagnose", "dayly")
    assert answer.code == 2
    assert 'did you mean "daily"?' in answer.stderr


def test_the_condition_that_no_row_meets_is_named(project: Project, terminal: Terminal) -> None:
    rules = "[{lhv: state, op: is not blank}, {lhv: city, op: is equal to, rhv: Nowhereville}]"
    project.write("daily", f"{DAILY}filter: {{rules: {rules}}}\n")
    assert terminal("run", "daily", "--partition", "2024-02-04").code == 0
    found = told(terminal)
    causes = texts(found, "empty", "bad")
    assert "has no rows" in causes
    assert "rule 2: city is equal to" in causes
    assert "rule 1" not in causes
    assert "Nowhereville" not in json.dumps(found)  # a value may be a person's


def test_a_window_without_rows_is_told_from_a_filter(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY.replace("2024-01-01", "2023-01-01"))
    assert terminal("run", "daily", "--partition", "2023-05-01").code == 0
    found = told(terminal)
    assert "no rows at all from 2023-05-01 00:00" in texts(found, "empty", "bad")


def test_a_delivery_that_failed_is_a_cause_with_its_command(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY + "deliver: [{folder: {path: /proc/nowhere}}]\n")
    assert terminal("run", "daily", "--partition", "2024-02-04").code == 1
    found = told(terminal)
    causes = texts(found, "missing", "bad")
    assert "did not arrive at folder" in causes
    assert "export-pipelines deliver daily/2024-02-04/" in causes
    assert "The last run failed" in causes
    assert "export-pipelines run daily --partition 2024-02-04`" in causes


@pytest.mark.parametrize(
    "window", [("--partition", "2024-01-07"), ("--start", "2024-01-07", "--end", "2024-01-09")]
)
def test_a_damaged_file_is_a_cause_with_the_command_of_its_window(
    project: Project, terminal: Terminal, window: tuple[str, ...]
) -> None:
    project.write("daily", DAILY)
    assert terminal("run", "daily", *window).code == 0
    (part,) = project.home.rglob("leads_part_1.csv")
    part.chmod(0o600)
    part.write_bytes(part.read_bytes()[:-1])
    found = told(terminal)
    assert "damaged" in texts(found, "unreadable", "bad")
    assert f"`export-pipelines run daily {' '.join(window)}`" in texts(found, "unreadable", "bad")


def test_a_run_that_failed_is_told_with_the_windows_that_failed(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY + "deliver: [{folder: {path: /proc/nowhere}}]\n")
    assert terminal("backfill", "daily", "--from", "2024-01-03", "--to", "2024-01-05").code == 1
    causes = texts(told(terminal), "missing", "bad")
    assert "`export-pipelines backfill daily --from 2024-01-03 --to 2024-01-05`" in causes
    command = "run daily --start 2024-01-03T00:00:00.000Z --end 2024-01-05T00:00:00.000Z"
    assert terminal(*command.split()).code == 1
    assert f"`export-pipelines {command}`" in texts(told(terminal), "missing", "bad")


def test_after_a_backfill_the_newest_file_is_that_of_the_last_window(
    project: Project, terminal: Terminal
) -> None:
    project.write("daily", DAILY + FOLDER)
    assert terminal("backfill", "daily", "--from", "2024-01-01", "--to", "2024-01-07").code == 0
    found = told(terminal)
    assert "The newest file, of 2024-01-07" in texts(found, "empty")
    assert "daily/2024-01-07" in texts(found, "missing", "good")


def test_attempts_that_failed_are_counted_and_no_others(project: Project, terminal: Terminal) -> None:
    place = project.folder / "place"
    project.write("daily", f"{DAILY}deliver: [{{folder: {{path: {place}/sent}}}}]\n")
    day = "daily/2024-02-04"
    assert terminal("run", "daily", "--partition", "2024-02-04").code == 0
    assert terminal("deliver", day).code == terminal("deliver", day, "--again").code == 0
    assert "failed so far" not in texts(told(terminal), "late")
    shutil.rmtree(place)
    place.write_text("")
    assert terminal("deliver", day, "--again").code == 1
    assert "1 attempt to reach folder" in texts(told(terminal), "late", "note")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("{}", ("with commas", "bom: true")),
        ("{delimiter: ';', bom: true}", ("with semicolons", "byte order mark")),
    ],
)
def test_how_to_read_csv_is_told_by_its_options(
    project: Project, terminal: Terminal, options: str, words: tuple[str, ...]
) -> None:
    project.write("daily", DAILY.replace("format: csv", f"format: {{csv: {options}}}"))
    assert terminal("run", "daily", "--partition", "2024-02-04").code == 0
    text = texts(told(terminal), "unreadable")
    assert all(word in text for word in words)
    assert ("bom: true" in text, "with commas" in text) == (options == "{}", options == "{}")


def test_a_changed_schema_is_a_cause(
    project: Project, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour, (fields, day) in enumerate((("state]", "2024-02-03"), ("country]", "2024-02-04"))):
        at = NOW + timedelta(hours=hour)
        monkeypatch.setattr(cli, "clock", lambda at=at: at)
        project.write("daily", DAILY.replace("state]", fields) + "contract: free\n")
        assert terminal("run", "daily", "--partition", day).code == 0
    found = told(terminal)
    assert "columns differ" in texts(found, "unreadable", "bad")


@pytest.mark.parametrize(("codec", "word"), [("gzip", "gunzip"), ("zip", "zip archive"), ("zstd", "zstd -d")])
def test_how_to_open_a_file_is_told(project: Project, terminal: Terminal, codec: str, word: str) -> None:
    project.write("daily", f"{DAILY}compression: {codec}\n")
    assert terminal("run", "daily", "--partition", "2024-02-04").code == 0
    assert word in texts(told(terminal), "unreadable")


def test_the_terminal_shows_questions_and_what_to_do(project: Project, terminal: Terminal) -> None:
    project.write("daily", DAILY)
    text = terminal("diagnose", "daily").stdout
    assert "Why is my file missing?" in text
    assert "  note: The export has never run." in text
