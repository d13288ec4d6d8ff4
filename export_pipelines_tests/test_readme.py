"""Every command and every YAML of the README runs, in the order in which a reader meets them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines_servers.local import free_ports, local_servers
from export_pipelines_servers.receivers import WEBHOOK_SECRET

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUN_BY_CI = "make "
# of few leads: `make demo` itself has them all
DEMO = 'from export_pipelines.cli import app, demo; demo.LEADS = 600; app.app(["demo"])'
ENVIRONMENT = {"PARTNER_PASSWORD": "a password", "PARTNER_SECRET": WEBHOOK_SECRET}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project as a reader has it after `make demo`, with `make servers` in another terminal."""
    folder, ports = tmp_path_factory.mktemp("project"), free_ports()
    for name in ("exports", "examples", "dagster.yaml", "workspace.yaml"):
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for path in folder.glob("exports/*.yaml"):
        path.write_text(ports.put_into(path.read_text(encoding="utf-8")), encoding="utf-8")
    with local_servers(folder / "servers", ports) as variables:
        ENVIRONMENT.update(variables)
        demo = run(folder, f"python -c '{DEMO}'")
        assert demo.returncode == 0, demo.stderr
        yield folder


def run(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | ENVIRONMENT
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        command, check=False, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )


def test_every_command_and_yaml_of_the_readme_works(project: Path) -> None:
    fences = 0
    for language, text in FENCE.findall(README):
        if language == "yaml":
            target = re.match(r"# (\S+\.yaml)\n", text)
            assert target, f"a YAML of the README does not say which file it is:\n{text}"
            (project / target[1]).write_text(text, encoding="utf-8")
        elif language == "sh" and not text.startswith(RUN_BY_CI):
            result = run(project, f"set -e\n{text}")
            assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
            fences += 1
    assert fences == 2


def test_the_readme_leads_with_the_two_commands() -> None:
    first = FENCE.search(README)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[2].splitlines()] == ["make demo", "make test"]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_names_every_command_of_the_terminal(project: Path) -> None:
    listing = run(project, "export-pipelines --help").stdout
    commands = re.findall(r"^│ ([a-z][a-z-]*) ", listing, re.MULTILINE)
    assert commands
    assert [name for name in commands if f"export-pipelines {name}" not in README] == []
