"""The command line as its own process, as a shell runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from export_pipelines.ledger import open_ledger
from export_pipelines.orchestration import open_instance
from export_pipelines_tests.conftest import REPOSITORY, Answer, Project

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


HANGS = """\
type: lead
format: csv
fields: [lead_id, price]
partition: daily
start: 2024-01-01
deliver:
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


def in_shell(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return call(project, ["-m", "export_pipelines.cli.app", *arguments])


def test_a_day_from_the_shell_to_a_verified_artifact(project: Project) -> None:
    ran = in_shell(project, "run", "daily", "--partition", "2024-01-15", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    (made,) = json.loads(ran.stdout)["artifacts"]
    verified = in_shell(project, "verify", made["artifact"])
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "whole, 1 part, 10 rows" in verified.stdout


def test_a_week_that_fails_in_part_exits_1_with_its_partitions(project: Project) -> None:
    taken = project.home / "delivered" / "daily" / "2024-01-11"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where the folder has to be")
    ran = in_shell(project, "backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12")
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


def test_list_imports_what_a_definition_needs_and_no_other_command(project: Project) -> None:
    assert loaded(project, ("list",), (*HEAVY, *OTHERS, *OF_OTHER_COMMANDS)) == set()


def test_verify_of_what_is_not_sealed_imports_nothing_but_the_store(project: Project) -> None:
    ran = in_shell(project, "run", "daily", "--partition", "2024-01-15", "--json")
    (made,) = json.loads(ran.stdout)["artifacts"]
    slow = (*HEAVY, *OTHERS, "yaml", "export_pipelines.definition.export", "export_pipelines.ledger")
    assert loaded(project, ("verify", made["artifact"]), slow) == set()


def test_check_imports_neither_the_stream_nor_what_delivers(project: Project) -> None:
    assert loaded(project, ("check",), (*HEAVY, *OTHERS)) == {"sqlalchemy"}


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


def test_neither_list_nor_check_imports_what_speaks_to_a_destination(project: Project) -> None:
    project.write("everywhere", EVERY_DESTINATION)
    project.environment.update(
        {
            "P": "x",
            "EXPORT_PIPELINES_SMTP_URL": "smtp://127.0.0.1:1",
            "EXPORT_PIPELINES_MAIL_FROM": "exports@example.com",
        }
    )
    checked = in_shell(project, "check")
    assert (checked.returncode, "error" in checked.stdout) == (0, False), checked.stdout + checked.stderr
    assert loaded(project, ("check",), (*HEAVY, *OTHERS, "cryptography")) == {"sqlalchemy"}
    assert loaded(project, ("list",), (*HEAVY, *OTHERS, "cryptography")) == set()


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
fields: [lead_id, email, phone_1, last_name, submitted_at]
privacy: {email: hash, phone_1: mask, last_name: tokenize}
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
    ran = in_shell(project, "sample", "leads", "--count", "10", "--days", "1")
    assert ran.stderr == "10 leads made, 2024-01-01 to 2024-01-01\n"


SIGNS = {signal.SIGINT: 130, signal.SIGTERM: 143}
GREETING = b"220 mail.example.com ESMTP\r\n"
HANGING: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "mail": ("email: {to: [a@example.com]}", b"", {}),
    "mail that greets": ("email: {to: [a@example.com]}", GREETING, {}),
    "sftp": (
        'sftp: {host: 127.0.0.1, port: PORT, user: u, password: {env: P}, path: p, host_key: "ssh-ed25519 '
        'AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz"}',
        b"SSH-2.0-OpenSSH_9.2\r\n",
        {},
    ),
    "s3": (
        's3: {bucket: acme, key: a/, endpoint_url: "http://127.0.0.1:PORT", access_key: {env: P}, '
        "secret_key: {env: P}}",
        b"",
        {},
    ),
    "webhook": ("webhook: {url: {env: URL}}", b"", {}),
    "webhook that begins to answer": ("webhook: {url: {env: URL}}", b"HTTP/1.1 200 OK\r\n", {}),
    "PostgreSQL": (
        "folder: {path: p}",
        b"",
        {
            "EXPORT_PIPELINES_SOURCE_URL": "postgresql://u@127.0.0.1:PORT/leads?sslmode=disable&gssencmode=disable"
        },
    ),
    "MariaDB": (
        "folder: {path: p}",
        b"",
        {"EXPORT_PIPELINES_SOURCE_URL": "mariadb://u:p@127.0.0.1:PORT/leads"},
    ),
}  # where the run waits: what it delivers to, what a server says that then says nothing more, settings
ALLOWED = """\
variables: ["*"]
hosts: ["*"]
buckets: ["*"]
mail_domains: ["*"]
private_networks: [127.0.0.0/8]
"""
ENDS_S = 2
BUSY_S = (
    13  # this machine does other things besides; without it, it took as long as the driver waits: 30 to 180
)


# each place by one of the signals, and one by both
ENDED = [("mail", signal.SIGTERM), *zip(HANGING, cycle(SIGNS), strict=False)]


@pytest.mark.parametrize(("where", "sign"), ENDED)
def test_an_interrupt_ends_a_run_at_once_and_delivers_nothing_more(
    project: Project, where: str, sign: signal.Signals, terminal: Callable[..., Answer]
) -> None:
    """While a server keeps it waiting: Dagster alone would try again, and a driver would wait for its own time limit."""
    entry, greeting, settings = HANGING[where]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(120)
        (project.folder / "allowed.yaml").write_text(ALLOWED)
        project.write("hanging", f"{HANGS}  - {entry.replace('PORT', str(port))}\n")
        project.environment.update(
            {
                "EXPORT_PIPELINES_SMTP_URL": f"smtp://127.0.0.1:{port}",
                "EXPORT_PIPELINES_MAIL_FROM": "exports@example.com",
                "P": "secret",
                "URL": f"http://127.0.0.1:{port}/in",
                **{name: value.replace("PORT", str(port)) for name, value in settings.items()},
            }
        )
        words = ["-m", "export_pipelines.cli.app", "run", "hanging", "--partition", "2024-01-15"]
        with subprocess.Popen(
            [sys.executable, *words],
            cwd=project.folder,
            env=environment(project),
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            waiting, _ = server.accept()
            waiting.sendall(greeting)
            time.sleep(0.5)
            sent = time.monotonic()
            run.send_signal(sign)
            _, said = run.communicate(timeout=60)
            took_s = time.monotonic() - sent
            waiting.close()
        assert run.returncode == SIGNS[sign], said
        assert "interrupted" in said
        assert took_s < ENDS_S + BUSY_S
        server.settimeout(1)
        with pytest.raises(TimeoutError):
            server.accept()
    _require_recorded(project, terminal, delivering=not settings)


def _require_recorded(project: Project, terminal: Callable[..., Answer], delivering: bool) -> None:
    """By the ledger, where a delivery was under way, and by Dagster, to which the run is over; a source is asked before
    there is a run."""
    made = json.loads(terminal("deliveries", "--json").stdout)
    states = [(one["state"], one["error"], one["attempts"][-1]["outcome"]) for one in made]
    assert states == ([("retrying", "interrupted", "retrying")] if delivering else [])
    with open_instance(project.settings, project.folder, os.environ) as instance:
        runs = [get_run.status.value for get_run in instance.get_runs()]
    assert runs in ([["CANCELED"], ["FAILURE"]] if delivering else [[]])
