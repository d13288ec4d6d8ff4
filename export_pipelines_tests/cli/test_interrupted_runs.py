"""Ctrl-C and SIGTERM while a server keeps a run waiting."""

import json
import os
import signal
import socket
from collections.abc import Callable
from itertools import cycle

import pytest

from export_pipelines.orchestration import open_instance
from export_pipelines_tests.conftest import Answer, Project
from export_pipelines_tests.interrupting import SIGNS, interrupt
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.shell import environment

HANGS = """\
type: lead
format: csv
fields: [lead_id, price]
partition: daily
start: 2024-01-01
deliver:
"""
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
        with Process(words, project.folder, environment(project)) as run:
            waiting, _ = server.accept()
            waiting.sendall(greeting)
            assert "interrupted" in interrupt(run, sign, server, waiting)
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
