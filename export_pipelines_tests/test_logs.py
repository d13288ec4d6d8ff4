"""What machines read: codes of errors, and records of JSON with one run's id."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from export_pipelines import logs
from export_pipelines.error_codes import error_page, every_error
from export_pipelines.errors import SettingsError
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.test_new_project import environment

DAY = "2024-01-15"


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes)) > 10


def test_the_page_of_errors_is_made_of_the_code() -> None:
    assert (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8") == error_page()


INTERRUPTED = """
import sqlalchemy as sa
from export_pipelines import logs

class Closing:
    def close(self):
        raise KeyboardInterrupt

try:
    sa.create_engine("sqlite://").pool._close_connection(Closing())
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_connection_that_is_closed_as_an_interrupt_comes_shows_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=True)
    assert done.stdout == "interrupted\n" and not done.stderr


def test_another_word_is_refused(quiet_afterwards: None) -> None:
    with pytest.raises(SettingsError, match='EXPORT_PIPELINES_LOG: "yaml" is no way to log'):
        logs.log_as_asked({logs.VARIABLE: "yaml"})


def test_another_level_is_refused(quiet_afterwards: None) -> None:
    with pytest.raises(SettingsError, match='EXPORT_PIPELINES_LOG_LEVEL: "loud" is no level .*debug, info'):
        logs.log_as_asked({logs.VARIABLE: "json", logs.LEVEL: "loud"})


def test_records_go_to_the_stderr_of_the_process_while_an_op_has_another(tmp_path: Path) -> None:
    code = (
        "import logging, os, sys; from export_pipelines import logs; logs.log_as_asked({'EXPORT_PIPELINES_LOG': 'json'});"
        "os.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), 2); logging.getLogger('export_pipelines.run').info('an event')"
    )
    program = [sys.executable, "-c", code, str(tmp_path / "of_the_op")]
    ran = subprocess.run(program, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert [record["event"] for record in records(ran)] == ["an event"]
    assert (tmp_path / "of_the_op").read_bytes() == b""


def terminal(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    program = ["-m", "export_pipelines.cli.app", *words]
    with Process(program, folder, environment() | {logs.VARIABLE: "json"}) as process:
        out, said = process.communicate()
    return subprocess.CompletedProcess(program, process.wait(), out, said)


def records(answer: "subprocess.CompletedProcess[str]") -> list[dict[str, object]]:
    return [json.loads(line) for line in answer.stderr.splitlines()]


def test_stderr_holds_records_and_nothing_else(tmp_path: Path) -> None:
    answer = terminal(tmp_path, "init", "mine")
    project = tmp_path / "mine"
    assert (answer.returncode, records(answer)) == (0, [])
    assert terminal(project, "sample", "leads", "--count", "300", "--days", "30").returncode == 0
    ran = terminal(project, "run", "daily_leads", "--partition", DAY)
    assert ran.returncode == 0
    events = {str(record["event"]): record for record in records(ran)}
    assert {"run started", "run finished", "delivery started", "delivery finished"} <= set(events)
    assert events["run finished"]["rows"] == 10
    assert str(events["run finished"]["artifact"]).startswith(f"daily_leads/{DAY}/")
    runs = {
        event.get("run")
        for event in (events[name] for name in ("run started", "run finished", "delivery finished"))
    }
    assert len(runs) == 1 and runs != {None}


def test_a_failure_is_a_record_with_its_code(tmp_path: Path) -> None:
    assert terminal(tmp_path, "init", ".").returncode == 0
    wrong = terminal(tmp_path, "run", "nothing")
    (record,) = records(wrong)
    assert (wrong.returncode, record["level"], record["code"], record["exit_code"]) == (
        2,
        "ERROR",
        "request",
        2,
    )
    assert "nothing" in str(record["error"])
