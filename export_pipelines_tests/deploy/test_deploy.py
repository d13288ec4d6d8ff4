"""The files of deploy/ hold for the programs that read them, and name only commands, variables and files that there are.

What is not shown: that an image is built, that containers start, that the chart renders these values, that units run."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from export_pipelines_servers.packages import program
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.deploy.files import (
    COMPOSE,
    DEPLOY,
    STREAM,
    UNITS,
    commands,
    dockerfile_command,
    known_variables,
    unit_command,
    variables,
)
from export_pipelines_tests.preloaded import Process

BIN = Path(sys.executable).parent
OPT = "/opt/export_pipelines/bin"
OURS = [name for name, service in COMPOSE["services"].items() if "export-pipelines" in service["image"]]


def call(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


# --- commands, variables, files -----------------------------------------------------------------------------------


def helped() -> dict[str, set[str]]:
    """The options that are given to each command, the words of which end before its first value."""
    options = dict[str, set[str]]()
    for words in commands():
        count = 3 if words[0] == "python" else len(list(takewhile(is_subcommand, words)))
        given = {word for word in words[count:] if re.fullmatch("--?[a-z][a-z-]*", word)}
        options.setdefault(" ".join(words[:count]), set()).update(given)
    return options


def is_subcommand(word: str) -> bool:
    return not word.startswith("-") and word != STREAM


def help_of(start: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Of Dagster's programs, which take a second to load, in this process."""
    if start[:2] == ["python", "-m"]:
        return help_of_module(*start[2:])
    (script,) = entry_points(group="console_scripts", name=start[0])
    if not script.value.startswith("dagster"):
        return help_of_module(script.module, *start[1:])
    monkeypatch.setattr(sys, "argv", [*start, "--help"])
    with pytest.raises(SystemExit) as ended:
        script.load()()
    assert ended.value.code == 0, start
    return capsys.readouterr().out


def help_of_module(*words: str) -> str:
    with Process(["-m", *words, "--help"], REPOSITORY, os.environ) as process:
        out, said = process.communicate()
    assert process.wait() == 0, f"{words}\n{said}"
    return out + said


@pytest.mark.parametrize("start", helped())
def test_every_command_is_there_with_its_options(
    start: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = help_of(start.split(), capsys, monkeypatch)
    missing = {option for option in helped()[start] if not re.search(rf"(?<![\w-]){option}(?![\w-])", shown)}
    assert missing == set()


def test_commands_stand_in_every_kind_of_file() -> None:
    assert len(list(commands())) >= 14
    assert dockerfile_command()[0] == "export-pipelines"


def test_every_variable_is_read_by_the_program() -> None:
    known = known_variables()
    assert {f"{file}: {name}" for file, names in variables().items() for name in names - known} == set()
    assert sum(map(len, variables().values())) > 25


def test_no_file_holds_a_secret() -> None:
    for path in [*DEPLOY.rglob("*.example"), DEPLOY / "Dockerfile", DEPLOY / "compose" / "compose.yaml"]:
        for url_password in re.findall(r"://[^:@\s]*:([^@\s]+)@", path.read_text()):
            assert url_password == "PASSWORD", path
        for name, value in re.findall(
            r"^(\w*(?:SECRET|PASSWORD|_KEY))=(.*)$", path.read_text(), re.MULTILINE
        ):
            assert value == "PASSWORD", f"{path}: {name}"


# --- Dockerfile ---------------------------------------------------------------------------------------------------


def test_the_dockerfile_holds_for_hadolint() -> None:
    assert call(BIN / "hadolint", DEPLOY / "Dockerfile") == ""


def test_the_image_runs_as_nobody_special_and_copies_no_secret() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    build, image = text.split("\nFROM ")[0:1], text.split("\nFROM ")[-1]
    assert len(text.split("\nFROM ")) == 3 and build
    assert re.search(r"^USER 10001:10001$", image, re.MULTILINE) and "HEALTHCHECK" in image
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert all((REPOSITORY / source).exists() for source in sources)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == sources
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET|TOKEN|_KEY)", text, re.MULTILINE)


# --- compose ------------------------------------------------------------------------------------------------------


def test_the_compose_file_holds_for_the_specification() -> None:
    """With its aliases and variables replaced, as compose does first."""
    written = (DEPLOY / "compose" / "compose.yaml").read_text()
    text = yaml.safe_dump(yaml.safe_load(re.sub(r"\$\{\w+:[-?][^}]*\}", "/replaced", written)))
    spec = PyCompose.from_yaml(text)
    assert set(spec.service_names()) == set(COMPOSE["services"])
    with pytest.raises(ValueError, match="helthcheck"):
        PyCompose.from_yaml(text.replace("    healthcheck:", "    helthcheck:", 1))


def test_the_compose_file_names_only_what_there_is() -> None:
    services, folder = COMPOSE["services"], DEPLOY / "compose"
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        for volume in service.get("volumes", ()):
            source = volume.rpartition(":/srv")[0] or volume.split(":")[0]
            path = folder / source
            assert source in COMPOSE["volumes"] or source.startswith("${") or path.is_file(), source
    build = services["service"]["build"]
    assert (folder / build["context"]).resolve() == REPOSITORY
    assert (REPOSITORY / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_may_do_little(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert "privileged" not in service and "user" not in service  # the image's own
    assert service.get("healthcheck") or dockerfile_command()[:2] == service["command"][:2]


def test_servers_are_reached_by_the_others_alone() -> None:
    for name in COMPOSE["services"].keys() - set(OURS):
        service: dict[str, Any] = COMPOSE["services"][name]
        assert service["networks"] == ["inner"] and "ports" not in service
        assert "test" in service["healthcheck"]
    assert COMPOSE["networks"]["inner"] == {"internal": True}


# --- systemd ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def systemd_analyze() -> str:
    return program("systemd-analyze", "systemd")


def test_the_units_hold_for_systemd(systemd_analyze: str, tmp_path: Path) -> None:
    """Their programs are looked for where the tests have them."""
    copies = []
    for unit in UNITS:
        copies.append(tmp_path / unit.name.replace("@", "@live"))
        copies[-1].write_text(unit.read_text().replace(OPT, str(BIN)))
    assert call(systemd_analyze, "verify", "--man=no", *copies) == ""
    broken = tmp_path / "broken.service"
    broken.write_text(copies[0].read_text().replace("NoNewPrivileges=", "NoNewPrivilege="))
    done = subprocess.run(
        [systemd_analyze, "verify", "--man=no", broken], capture_output=True, text=True, check=False
    )
    assert "Unknown key" in done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardened(systemd_analyze: str, unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@", "@live")
    shutil.copy(unit, copy)
    exposure = call(systemd_analyze, "security", "--offline=true", "--no-pager", "--threshold=20", copy)
    assert re.search(r"Overall exposure level .*: [01]\.\d OK", exposure)
    assert unit_command(unit)[0].startswith(OPT)


def test_units_stop_as_their_processes_want_it() -> None:
    texts = {unit.name: unit.read_text() for unit in UNITS}
    assert "KillMode=mixed" in texts["export-pipelines-worker.service"]  # runs end before the worker
    assert "KillMode=process" in texts["export-pipelines-daemon.service"]  # runs go on without the daemon
    assert len(texts) == 5 and "export-pipelines-stream@.service" in texts
    settings = [line for line in texts["export-pipelines-worker.service"].splitlines() if "=" in line]
    for text in texts.values():
        common = {
            line
            for line in settings
            if line.startswith(("Protect", "Private", "Restrict", "Environment", "System"))
        }
        assert common <= set(text.splitlines())
