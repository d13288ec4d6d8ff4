"""A project of one's own: made by one command, and used in any folder."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from export_pipelines.orchestration.instance import NEW_PROJECT
from export_pipelines_servers.free_port import free_port
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.preloaded import Process

DAY = "2024-01-15"
STARTS_S = 120  # on a busy machine


def environment() -> dict[str, str]:
    ours = ("EXPORT_PIPELINES", "DAGSTER")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONPATH": str(REPOSITORY)}


def terminal(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    program = ["-m", "export_pipelines.cli.app", *words]
    with Process(program, folder, environment()) as process:
        out, said = process.communicate()
    return subprocess.CompletedProcess(program, process.wait(), out, said)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    answer = terminal(tmp_path, "init", "mine")
    assert (answer.returncode, answer.stderr) == (0, "")
    return tmp_path / "mine"


def test_a_new_project_runs_at_once(project: Path) -> None:
    assert terminal(project, "sample", "leads", "--count", "300", "--days", "30").returncode == 0
    checked = terminal(project, "check")
    assert checked.returncode == 0, checked.stderr
    ran = terminal(project, "run", "daily_leads", "--partition", DAY)
    assert ran.returncode == 0, ran.stderr
    assert list((project / ".export_pipelines" / "delivered" / "daily_leads" / DAY).glob("*.csv.gz"))


def test_a_folder_without_dagsters_file_runs_too_and_stays_clean(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "daily_leads.yaml").write_bytes(
        (NEW_PROJECT / "exports" / "daily_leads.yaml").read_bytes()
    )
    assert terminal(tmp_path, "sample", "leads", "--count", "300", "--days", "30").returncode == 0
    ran = terminal(tmp_path, "run", "daily_leads", "--partition", DAY)
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".export_pipelines", "exports"]


def test_nothing_that_is_there_is_written_over(project: Path) -> None:
    (project / "README.md").write_text("mine")
    (project / ".gitignore").unlink()
    again = terminal(project, "init")
    assert again.returncode == 2 and "README.md" in again.stderr and "nothing was written" in again.stderr
    assert (project / "README.md").read_text() == "mine" and not (project / ".gitignore").exists()


def test_what_is_made_is_of_its_owner_alone(project: Path) -> None:
    files = [path for path in project.rglob("*") if path.is_file()]
    assert len(files) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("name", ["dagster.yaml", "workspace.yaml"])
def test_a_new_project_has_the_files_of_this_one(name: str) -> None:
    assert (NEW_PROJECT / name).read_bytes() == (REPOSITORY / name).read_bytes()


def test_dagster_and_the_service_are_opened_over_a_project(project: Path) -> None:
    port, service = free_port(), free_port()
    program = [sys.executable, "-m", "export_pipelines.cli.app", "ui", "--port", str(port)]
    settings = environment() | {"EXPORT_PIPELINES_SERVICE_PORT": str(service)}
    with subprocess.Popen(
        program, cwd=project, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as ui:
        try:
            assert _answers(f"http://127.0.0.1:{port}/server_info")
            assert _answers(f"http://127.0.0.1:{service}/health")
        finally:
            ui.send_signal(signal.SIGINT)
            ui.wait(STARTS_S)
    until = time.monotonic() + STARTS_S
    while _listens(service) and time.monotonic() < until:  # it ends with Dagster
        time.sleep(0.2)
    assert not _listens(service)
    assert sorted(path.name for path in project.iterdir()) == [
        ".export_pipelines", ".gitignore", "README.md", "dagster.yaml", "exports", "workspace.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("taken", ["Dagster", "service"])
def test_a_port_that_is_taken_is_told_before_anything_starts(project: Path, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = (port, free_port()) if taken == "Dagster" else (free_port(), port)
        settings = environment() | {"EXPORT_PIPELINES_SERVICE_PORT": str(ports[1])}
        program = ["-m", "export_pipelines.cli.app", "ui", "--port", str(ports[0])]
        with Process(program, project, settings) as process:
            out, error = process.communicate()
            code = process.wait()
    option = "--port 3001" if taken == "Dagster" else "EXPORT_PIPELINES_SERVICE_PORT=3081"
    assert (code, out) == (2, "")
    assert (
        f"127.0.0.1:{port}" in error and "another program listens on this port" in error and option in error
    )
    assert len(error.splitlines()) == 1
    assert not any(map(_listens, set(ports) - {port}))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until:
        try:
            with urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            time.sleep(0.2)
    return False


def test_without_a_project_there_is_nothing_to_open(tmp_path: Path) -> None:
    refused = terminal(tmp_path, "ui")
    assert refused.returncode == 2 and "export-pipelines init" in refused.stderr
