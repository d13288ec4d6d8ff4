"""What a person does wrong: one clear error with its place, exit code 2, and nothing written."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines_tests.conftest import DAILY, Answer, Project

Terminal = Callable[..., Answer]

RUN = ("run", "bad", "--partition", "2024-01-15")
HEAD = "type: lead\nformat: csv\n"
REGEX = HEAD + "partition: daily\nfilter:\n  rules: [{lhv: email, op: matches pattern, rhv: '(['}]\n"

BAD_DEFINITIONS = {
    "unknown field": (HEAD + "fields: [emial]\n", 'exports/bad.yaml:3: unknown field "emial"; did you mean "email"?'),
    "unknown type": ("type: laed\nformat: csv\n", "exports/bad.yaml:1: type: "),
    "keys of a report": ("type: event\nformat: csv\nmetrics: [cost]\n", "exports/bad.yaml:3: metrics: only a report has this key"),
    "unknown operator": (
        HEAD + "filter:\n  rules: [{lhv: revenue, op: is grater than, rhv: 5}]\n",
        'exports/bad.yaml:4: filter.rules.0.op: unknown operator "is grater than"; did you mean "is greater than"?',
    ),
    "unknown format": ("type: lead\nformat: cvs\n", 'exports/bad.yaml:2: format: unknown format "cvs"; did you mean "csv"?'),
    "unknown key": (HEAD + "feilds: all\n", 'exports/bad.yaml:3: unknown key "feilds"; did you mean "fields"?'),
    "unknown template word": (
        HEAD + 'deliver:\n  - folder: {path: "{{dat}}"}\n',
        'exports/bad.yaml:4: deliver.0.folder.path: unknown word "dat"; did you mean "date"?',
    ),
    "unknown destination": (HEAD + "deliver:\n  - floder: {path: x}\n", "exports/bad.yaml:4: deliver.0"),
    "destination to come": (HEAD + "deliver:\n  - sftp: {host: x}\n", "exports/bad.yaml:4: deliver.0"),
    "date that does not exist": (HEAD + "filter: {dates: [2024-02-30]}\n", "exports/bad.yaml:3: filter.dates.0"),
    "start that does not exist": (HEAD + "partition: daily\nstart: '2024-02-30'\n", "exports/bad.yaml:4: start"),
    "pattern that does not compile": (REGEX, "exports/bad.yaml:5: filter.rules.0.rhv"),
    "filter value of the wrong type": (
        HEAD + "filter:\n  rules: [{lhv: revenue, op: is greater than, rhv: much}]\n",
        "exports/bad.yaml:4: filter.rules.0.rhv",
    ),
    "not YAML": (HEAD + "fields: [email\n", "exports/bad.yaml:"),
    "schedule more often than daily": (HEAD + "schedule: hourly\n", "exports/bad.yaml:3: schedule: an export runs at most once a day"),
}  # fmt: skip

BAD_REQUESTS = {
    "unknown export": (("run", "dialy"), 'unknown export "dialy"; did you mean "daily"?'),
    "no date": (("run", "daily", "--partition", "yesterday"), '"yesterday" is no date'),
    "date that does not exist": (("run", "daily", "--partition", "2024-02-30"), "2024-02-30 does not exist"),
    "before the first partition": (
        ("run", "daily", "--partition", "2023-12-31"),
        "exports/daily.yaml:7: partition 2023-12-31 is before the first one, 2024-01-01",
    ),
    "not complete": (("run", "daily", "--partition", "2024-02-05"), "window 2024-02-05 is not complete before 2024-02-06"),
    "end before start": (
        ("run", "daily", "--start", "2024-01-20", "--end", "2024-01-10"),
        "the window ends at 2024-01-10T00:00:00.000Z, which is not after its start 2024-01-20",
    ),
    "end not complete": (("run", "daily", "--start", "2024-01-20", "--end", "2024-03-01"), "not complete"),
    "start without end": (("run", "daily", "--start", "2024-01-20"), "--end is missing"),
    "partition and start": (
        ("plan", "daily", "--partition", "2024-01-20", "--start", "2024-01-20", "--end", "2024-01-21"),
        "--partition is a window already",
    ),
    "local time": (("run", "daily", "--start", "2024-01-20T00:00", "--end", "2024-01-21"), "has no time zone"),
    "backfill backwards": (("backfill", "daily", "--from", "2024-01-20", "--to", "2024-01-10"), "is before"),
    "backfill not complete": (("backfill", "daily", "--from", "2024-02-01", "--to", "2024-02-10"), "not complete"),
    "backfill from no date": (("backfill", "daily", "--from", "2024-02-31", "--to", "2024-02-10"), "does not exist"),
    "unknown artifact": (("verify", "daily/2024-01-15/x"), "unknown artifact"),
    "unknown dataset": (("fields", "laeds"), 'unknown dataset "laeds"; did you mean "leads"?'),
    "unknown export to check": (("check", "dialy"), 'unknown export "dialy"'),
    "no file to import": (("import", "leads", "none.csv"), "none.csv"),
    "mapping to nothing": (("import", "leads", "none.csv", "--map", "x"), '"x" maps nothing'),
    "sample from no day": (("sample", "leads", "--start", "2024-02-30"), "is no day of the calendar"),
}  # fmt: skip


def refused(answer: Answer, text: str, code: int = 2) -> None:
    assert (answer.code, answer.stdout) == (code, ""), answer.stderr
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert errors and any(text in line for line in errors), answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", [RUN, ("plan", *RUN[1:]), ("preview", *RUN[1:])], ids=lambda one: one[0])
@pytest.mark.parametrize(("yaml", "text"), BAD_DEFINITIONS.values(), ids=BAD_DEFINITIONS)
def test_a_bad_definition_is_refused(
    terminal: Terminal, project: Project, command: tuple[str, ...], yaml: str, text: str
) -> None:
    project.write("bad", yaml)
    before = project.tree()
    refused(terminal(*command), text)
    assert project.tree() == before


@pytest.mark.parametrize(("yaml", "text"), BAD_DEFINITIONS.values(), ids=BAD_DEFINITIONS)
def test_check_tells_the_same_and_the_other_export_runs(
    terminal: Terminal, project: Project, yaml: str, text: str
) -> None:
    project.write("bad", yaml)
    answer = terminal("check")
    assert answer.code == 2 and f"error: {text}" in answer.stdout
    assert terminal("check", "daily").code == 0


@pytest.mark.parametrize(("arguments", "text"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_bad_request_is_refused(
    terminal: Terminal, project: Project, arguments: tuple[str, ...], text: str
) -> None:
    before = project.tree()
    refused(terminal(*arguments), text)
    assert project.tree() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "daily", "--partition", "2024-01-15"),
        ("plan", "daily", "--partition", "2024-01-15"),
        ("preview", "daily", "--partition", "2024-01-15"),
        ("backfill", "daily", "--from", "2024-01-15", "--to", "2024-01-16"),
    ],
    ids=lambda one: one[0],
)
@pytest.mark.parametrize("source", ["missing", "empty", "text", "other kind", "unknown kind", "no URL"])
def test_a_source_that_does_not_answer_is_refused(
    terminal: Terminal, project: Project, arguments: tuple[str, ...], source: str
) -> None:
    texts = {
        "missing": "there is no database (set EXPORT_PIPELINES_SOURCE_URL, or fill a store: export-pipelines sample leads",
        "empty": "export-pipelines sample leads, or import leads FILE.csv",
        "text": "file is not a database",
        "other kind": "the driver for oracle is not installed (pip install 'oracledb')",
        "unknown kind": 'unknown database "oracel"; did you mean "oracle"?',
        "no URL": "EXPORT_PIPELINES_SOURCE_URL: the URL of the lead store does not begin with a kind of database",
    }  # fmt: skip
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = _source(source, project.folder)
    before = project.tree()
    answer = terminal(*arguments)
    refused(answer, texts[source])
    assert "hunter2" not in answer.stderr
    assert project.tree() == before


def _source(kind: str, folder: Path) -> str:
    path = folder / "leads.db"
    if kind == "empty":
        sqlite3.connect(path).close()
    if kind == "text":
        path.write_text("no database at all, " * 100)
    return {
        "other kind": "oracle://user:hunter2@host/x",
        "unknown kind": "oracel://user:hunter2@host/x",
        "no URL": "hunter2",
    }.get(kind, f"sqlite:///{path}")


@pytest.mark.parametrize("word", ["hash", "tokenize"])
@pytest.mark.parametrize("command", ["run", "plan", "preview"])
def test_a_missing_key_is_refused(terminal: Terminal, project: Project, word: str, command: str) -> None:
    project.write("bad", DAILY.replace("email: mask", f"email: {word}"))
    before = project.tree()
    key = {"hash": "HASH_KEY", "tokenize": "MASTER_KEY"}[word]
    refused(
        terminal(command, *RUN[1:]), f"privacy: {word} needs the key EXPORT_PIPELINES_{key}, which is not set"
    )
    assert project.tree() == before


@pytest.mark.parametrize(("content", "text"), [(None, "No such file"), ("", "the key file is empty")])
def test_a_key_file_that_holds_no_key_is_refused(
    terminal: Terminal, project: Project, content: str | None, text: str
) -> None:
    path = project.folder / "key"
    if content is not None:
        path.write_text(content)
    project.environment["EXPORT_PIPELINES_HASH_KEY_FILE"] = str(path)
    refused(terminal("list"), text)


def test_two_exports_that_would_write_the_same_path_are_refused(terminal: Terminal, project: Project) -> None:
    same = DAILY.replace("{{export}}", "backup")
    project.write("daily", same)
    project.write("other", same)
    answer = terminal("check")
    assert answer.code == 2
    assert "daily" in answer.stdout and "other" in answer.stdout and "same files" in answer.stdout
    refused(
        terminal("run", "other", "--partition", "2024-01-15"),
        'daily writes the same files into "backup/{{date}}"',
    )
    assert not project.home.exists()


def test_a_folder_of_exports_that_is_not_there_is_refused(terminal: Terminal, project: Project) -> None:
    project.environment["EXPORT_PIPELINES_DEFINITIONS"] = "nowhere"
    refused(terminal("list"), "cannot read the folder of exports")


def test_a_store_that_cannot_be_written_fails_the_run_and_leaves_no_artifact(
    terminal: Terminal, project: Project
) -> None:
    (project.folder / "taken").write_text("a file where the store has to be")
    project.environment["EXPORT_PIPELINES_STORE_URL"] = str(project.folder / "taken" / "store")
    refused(
        terminal("run", "daily", "--partition", "2024-01-15"), "cannot make the artifact's folder", code=1
    )
    assert not list(project.folder.rglob("leads_part*"))


def test_more_rows_than_the_limit_fail_the_run_and_leave_no_artifact(
    terminal: Terminal, project: Project
) -> None:
    project.write("daily", DAILY + "limits: {rows: 9}\n")
    refused(terminal("run", "daily", "--partition", "2024-01-15"), "10 rows match, the limit is 9", code=1)
    assert "more than the limit of 9 rows" in terminal("plan", "daily", "--partition", "2024-01-15").stdout
    assert not list(project.folder.rglob("leads_part*"))


def test_a_wrong_option_or_command_is_a_wrong_request(terminal: Terminal) -> None:
    assert terminal("run", "daily", "--partitoin", "2024-01-15").code == 2
    assert terminal("rnu", "daily").code == 2
    assert terminal("sample", "leads", "--count", "0").code == 2


def test_an_unexpected_error_tells_its_kind_and_place_but_not_its_text(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("someone@example.com")

    monkeypatch.setattr("export_pipelines.catalog.load_catalog", breaks)
    answer = terminal("fields")
    assert answer.code == 1 and "someone@example.com" not in answer.stderr
    assert "error: unexpected KeyError in export_pipelines/project_parts.py:" in answer.stderr
    assert "--debug" in answer.stderr
    assert "Traceback" in terminal("--debug", "fields").stderr
