"""The command line as its own process, as a shell runs it."""

import json
import sys
from collections.abc import Sequence

import pytest

from export_pipelines.ledger import open_ledger
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.shell import call, in_process, in_shell

HEAVY = ("dagster", "polars", "pyarrow", "sqlalchemy", "adbc_driver_sqlite")
OTHERS = (
    "alembic",
    "sqlalchemy.dialects.mysql",
    "pandas",
    "phonenumbers",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "boto3",
    "botocore",
    "jinja2",
    "paramiko",
    "psycopg",
    "pymysql",
    "xlsxwriter",
    "stream_zip",
    "zstandard",
    "requests.sessions",
)
OF_OTHER_COMMANDS = ("export_pipelines.cli.runs", "export_pipelines.cli.leads", "export_pipelines.cli.demo")
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


def test_a_day_from_the_shell_to_a_verified_artifact(project: Project) -> None:
    ran = in_shell(project, "run", "daily", "--partition", "2024-01-15", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    (made,) = json.loads(ran.stdout)["artifacts"]
    verified = in_process(project, "verify", made["artifact"])
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "whole, 1 part, 10 rows" in verified.stdout


def test_a_week_that_fails_in_part_exits_1_with_its_partitions(project: Project) -> None:
    taken = project.home / "delivered" / "daily" / "2024-01-11"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where the folder has to be")
    ran = in_process(project, "backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12")
    assert ran.returncode == 1
    assert [
        line for line in ran.stderr.splitlines() if not line.startswith(("error: ", "what was written"))
    ] == []
    assert ran.stderr.splitlines()[-1] == "error: 1 of 3 partitions failed: 2024-01-11"


def test_a_wrong_request_exits_2_and_makes_no_home(project: Project) -> None:
    ran = in_shell(project, "run", "daily", "--partition", "2024-02-30")
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
        "from export_pipelines.cli.app import main\n"
        f"atexit.register(lambda: print('\\nloaded', *(one for one in {modules!r} if one in sys.modules)))\n"
        "main()"
    )
    return set(call(project, ["-c", code]).stdout.splitlines()[-1].split()[1:])


def test_a_quick_command_imports_nothing_slow(project: Project) -> None:
    """All of them in one process, which has none of them at the end of any command."""
    code = (
        "import contextlib, io, sys\nfrom export_pipelines.cli.app import main\n"
        f"for arguments in {QUICK!r}:\n"
        "    sys.argv = ['export-pipelines', *arguments]\n"
        "    output = io.StringIO()\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(output):\n"
        "        main()\n"
        f"    print(arguments, bool(output.getvalue()), [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ended = call(project, ["-c", code])
    assert ended.stdout.splitlines() == [
        f"{arguments} {'dialy' not in arguments} []" for arguments in QUICK
    ], ended.stderr
    assert 'unknown export "dialy"' in ended.stderr


def test_verify_of_what_is_not_sealed_imports_nothing_but_the_store(project: Project) -> None:
    ran = in_process(project, "run", "daily", "--partition", "2024-01-15", "--json")
    (made,) = json.loads(ran.stdout)["artifacts"]
    slow = (*HEAVY, *OTHERS, "yaml", "export_pipelines.definition.export", "export_pipelines.ledger")
    assert loaded(project, ("verify", made["artifact"]), slow) == set()


EVERY_DESTINATION = """\
type: lead
format: csv
fields: [lead_id, price]
partition: daily
start: 2024-01-01
deliver:
  - folder: {path: "in/{{date}}"}
  - email: {to: [a@example.com], subject: "{{export | upper}} {{date}}"}
  - s3: {bucket: exports, key: "in/{{date}}/{{part | pad(3)}}.{{ext}}", access_key: {env: P}, secret_key: {env: P}}
  - sftp: {host: files.example.com, user: u, password: {env: P}, path: "in/{{date}}", host_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz"}
  - download
"""


def test_neither_list_nor_check_imports_what_speaks_to_a_destination_nor_other_commands(
    project: Project,
) -> None:
    project.write("everywhere", EVERY_DESTINATION)
    project.environment.update(
        {
            "P": "x",
            "EXPORT_PIPELINES_SMTP_URL": "smtp://127.0.0.1:1",
            "EXPORT_PIPELINES_MAIL_FROM": "exports@example.com",
        }
    )
    checked = in_process(project, "check")
    assert (checked.returncode, "error" in checked.stdout) == (0, False), checked.stdout + checked.stderr
    assert loaded(project, ("check",), (*HEAVY, *OTHERS, "cryptography")) == {"sqlalchemy"}
    assert loaded(project, ("list",), (*HEAVY, *OTHERS, *OF_OTHER_COMMANDS, "cryptography")) == set()


@pytest.mark.parametrize(
    ("command", "needed"),
    [("plan", set(HEAVY) - {"dagster"}), ("run", {*HEAVY, *OF_DAGSTER})],
)
def test_a_command_imports_nothing_of_other_databases_formats_and_destinations(
    project: Project, command: str, needed: set[str]
) -> None:
    arguments = (command, "daily", "--partition", "2024-01-15")
    open_ledger(project.settings.ledger_url.get_secret_value())  # the first command makes it, with alembic
    assert loaded(project, arguments, (*HEAVY, *OTHERS)) == needed


MASKED = """\
type: lead
format: csv
fields: [lead_id, email, phone_1, last_name, landing_page, user_agent, submitted_at]
privacy: {email: hash, phone_1: mask, last_name: tokenize, landing_page: redact, user_agent: redact}
partition: daily
start: 2024-01-01
"""


def test_a_masked_run_does_without_pandas(project: Project) -> None:
    project.write("masked", MASKED)
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = "a hash key of the tests, long enough"
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "a master key of the tests, long enough"
    run = ("run", "masked", "--partition", "2024-01-15")
    assert loaded(project, run, ("pandas", "pyarrow")) == {"pyarrow"}
    assert list((project.home / "artifacts" / "masked" / "2024-01-15").glob("*/manifest.json"))


def test_a_reader_that_goes_away_is_no_error(project: Project) -> None:
    command = f"'{sys.executable}' -m export_pipelines.cli.app schema | head -c 10; exit ${{PIPESTATUS[0]}}"
    code = f"import subprocess, sys; sys.exit(subprocess.run(['bash', '-c', {command!r}]).returncode)"
    ran = call(project, ["-c", code])
    assert (ran.returncode, ran.stderr) == (0, "")


def test_nothing_is_drawn_where_there_is_no_terminal(project: Project) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    ran = in_process(project, "sample", "leads", "--count", "10", "--days", "1")
    assert ran.stderr == "10 leads made, 2024-01-01 to 2024-01-01\n"
