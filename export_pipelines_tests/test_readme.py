"""Every command and every YAML of the README runs, in the order in which a reader meets them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines_servers.local import free_ports, local_servers
from export_pipelines_servers.receivers import WEBHOOK_SECRET
from export_pipelines_tests.preloaded import Process

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
        ended_well(folder, environment(), "-c", DEMO)
        yield folder


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | ENVIRONMENT | {"PATH": path}


def run_lines(folder: Path, text: str) -> int:
    """What a shell makes of these lines: variables, and commands, of which it returns the number."""
    variables, commands = environment(), 0
    for word, *words in filter(None, (shlex.split(line, comments=True) for line in text.splitlines())):
        if word == "export":
            variables |= {name: value for name, _, value in (pair.partition("=") for pair in words)}
        elif word == "unset":
            variables = {name: value for name, value in variables.items() if name not in words}
        else:
            assert word == "export-pipelines", f"no command that is known here: {word}"
            ended_well(folder, variables, "-m", "export_pipelines.cli.app", *words)
            commands += 1
    return commands


def ended_well(folder: Path, variables: dict[str, str], *words: str) -> None:
    with Process(words, folder, variables) as process:
        out, said = process.communicate()
    assert process.wait() == 0, f"{words}\n{out}\n{said}"


def test_every_command_and_yaml_of_the_readme_works(project: Path) -> None:
    commands = []
    for language, text in FENCE.findall(README):
        if language == "yaml":
            target = re.match(r"# (\S+\.yaml)\n", text)
            assert target, f"a YAML of the README does not say which file it is:\n{text}"
            (project / target[1]).write_text(text, encoding="utf-8")
        elif language == "sh" and not text.startswith(RUN_BY_CI):
            commands.append(run_lines(project, text))
    assert len(commands) == 2 and all(commands)


def test_the_readme_leads_with_the_two_commands() -> None:
    first = FENCE.search(README)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[2].splitlines()] == ["make demo", "make test"]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_names_every_command_of_the_terminal(project: Path) -> None:
    listing = subprocess.run(
        "export-pipelines --help",
        check=True,
        shell=True,
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    commands = re.findall(r"^│ ([a-z][a-z-]*) ", listing.stdout, re.MULTILINE)
    assert commands
    assert [name for name in commands if f"export-pipelines {name}" not in README] == []
