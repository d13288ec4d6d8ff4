"""The command line as its own process, as a shell runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

import pytest

from export_pipelines_tests.conftest import REPOSITORY, Project

HEAVY = ("dagster", "polars", "pyarrow", "sqlalchemy", "adbc_driver_sqlite")
OTHERS = (
    "alembic",
    "sqlalchemy.dialects.mysql",
    "pyarrow.parquet",
    "boto3",
    "paramiko",
    "psycopg",
    "pymysql",
    "xlsxwriter",
    "stream_zip",
    "zstandard",
    "requests.sessions",
)
OF_DAGSTER = ("alembic", "sqlalchemy.dialects.mysql", "zstandard")  # which imports them itself
QUICK = [
    ("--help",),
    ("version",),
    ("list",),
    ("fields", "leads"),
    ("schema",),
    ("run", "--help"),
    ("run", "dialy", "--partition", "2024-01-15"),
]


MAILED = """\
type: lead
format: csv
fields: [lead_id, price]
partition: daily
start: 2024-01-01
deliver:
  - email: {to: [a@example.com]}
"""


def environment(project: Project) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXPORT_PIPELINES", "DAGSTER"))
    }
    path = os.pathsep.join([str(REPOSITORY), kept.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return kept | {"PYTHONPATH": path} | project.environment


def call(project: Project, program: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *program],
        cwd=project.folder,
        env=environment(project),
        capture_output=True,
        text=True,
        check=False,
    )


def terminal(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return call(project, ["-m", "export_pipelines.cli", *arguments])


def test_a_day_from_the_shell_to_a_verified_artifact(project: Project) -> None:
    ran = terminal(project, "run", "daily", "--partition", "2024-01-15", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    (made,) = json.loads(ran.stdout)["artifacts"]
    verified = terminal(project, "verify", made["artifact"])
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "whole, 1 part, 10 rows" in verified.stdout


def test_a_week_that_fails_in_part_exits_1_with_its_partitions(project: Project) -> None:
    taken = project.home / "delivered" / "daily" / "2024-01-11"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where the folder has to be")
    ran = terminal(project, "backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == "error: 1 of 3 partitions failed: 2024-01-11"


def test_a_wrong_request_exits_2_and_makes_no_home(project: Project) -> None:
    ran = terminal(project, "run", "daily", "--partition", "2024-02-30")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr
        == "error: 2024-02-30 does not exist: day is out of range for month (give a day of the calendar)\n"
    )
    assert not project.home.exists()


def loaded(project: Project, arguments: Sequence[str], modules: Sequence[str]) -> set[str]:
    """Those of `modules` that the command has imported when it ends."""
    code = (
        f"import atexit, sys\nsys.argv = ['export-pipelines', *{list(arguments)!r}]\n"
        "from export_pipelines.cli import main\n"
        f"atexit.register(lambda: print('\\nloaded', *(one for one in {modules!r} if one in sys.modules)))\n"
        "main()"
    )
    return set(call(project, ["-c", code]).stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_a_quick_command_imports_nothing_slow(project: Project, arguments: tuple[str, ...]) -> None:
    assert loaded(project, arguments, HEAVY) == set()


def test_check_imports_neither_the_stream_nor_what_delivers(project: Project) -> None:
    assert loaded(project, ("check",), (*HEAVY, *OTHERS)) == {"sqlalchemy"}


@pytest.mark.parametrize(
    ("command", "needed"),
    [("plan", set(HEAVY) - {"dagster"}), ("run", {*HEAVY, *OF_DAGSTER})],
)
def test_a_command_imports_nothing_of_other_databases_formats_and_destinations(
    project: Project, command: str, needed: set[str]
) -> None:
    arguments = (command, "daily", "--partition", "2024-01-15")
    assert loaded(project, arguments, (*HEAVY, *OTHERS)) == needed


def test_a_reader_that_goes_away_is_no_error(project: Project) -> None:
    command = f"'{sys.executable}' -m export_pipelines.cli schema | head -c 10; exit ${{PIPESTATUS[0]}}"
    code = f"import subprocess, sys; sys.exit(subprocess.run(['bash', '-c', {command!r}]).returncode)"
    ran = call(project, ["-c", code])
    assert (ran.returncode, ran.stderr) == (0, "")


def test_nothing_is_drawn_where_there_is_no_terminal(project: Project) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    ran = terminal(project, "sample", "leads", "--count", "10", "--days", "1")
    assert ran.stderr == "10 leads made, 2024-01-01 to 2024-01-01\n"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_a_run_at_once_and_delivers_nothing_more(
    project: Project, sign: signal.Signals
) -> None:
    """Here while a mail server keeps it waiting: Dagster alone would try the delivery again."""
    project.write("mailed", MAILED)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        project.environment["EXPORT_PIPELINES_SMTP_URL"] = f"smtp://127.0.0.1:{server.getsockname()[1]}"
        project.environment["EXPORT_PIPELINES_MAIL_FROM"] = "exports@example.com"
        words = ["-m", "export_pipelines.cli", "run", "mailed", "--partition", "2024-01-15"]
        with subprocess.Popen(
            [sys.executable, *words],
            cwd=project.folder,
            env=environment(project),
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            waiting, _ = server.accept()
            run.send_signal(sign)
            _, said = run.communicate(timeout=60)
            waiting.close()
        assert run.returncode == 130, said
        server.settimeout(1)
        with pytest.raises(TimeoutError):
            server.accept()
    (made,) = json.loads(terminal(project, "deliveries", "--json").stdout)
    assert made["state"] != "delivered"
