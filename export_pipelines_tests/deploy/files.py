"""What stands in the files of deploy/: commands and variables, wherever they are written."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from export_pipelines.service import ServiceSettings
from export_pipelines.settings import Settings
from export_pipelines_tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
HELM: dict[str, Any] = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text())
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
STREAM = "live"  # the name of one, wherever a file needs it
PROGRAMS = ("export-pipelines", "dagster", "dagster-webserver", "dagster-daemon", "python")
VARIABLE = re.compile(r"\bEXPORT_PIPELINES_[A-Z0-9_]+")


def dockerfile_command() -> list[str]:
    (words,) = re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return list(yaml.safe_load(words))


def commands() -> Iterator[list[str]]:
    """Every call of a program of ours or of Dagster's, as words; of Python's, those of a module."""
    calls = [dockerfile_command(), *(unit_command(unit) for unit in UNITS)]
    for service in COMPOSE["services"].values():
        calls += [service.get("command", []), service.get("healthcheck", {}).get("test", [])[1:]]
    for manifest in HELM["extraManifests"]:
        pod = manifest["spec"].get("template", {}).get("spec", {})
        calls += [container["command"] for container in pod.get("containers", ())]
    for deployment in HELM["dagster-user-deployments"]["deployments"]:
        calls.append(["dagster", "code-server", "start", *deployment["codeServerArgs"]])
    for words in calls:
        name = Path(words[0]).name if words else ""
        if name in PROGRAMS and (name != "python" or words[1] == "-m"):
            yield [name, *(word.replace("${STREAM:-live}", STREAM) for word in words[1:])]


def unit_command(unit: Path) -> list[str]:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    return str(line).replace("%i", STREAM).split()


def variables() -> dict[str, set[str]]:
    """The program's own, by the file that names them."""
    return {
        path.relative_to(DEPLOY).as_posix(): set(VARIABLE.findall(path.read_text()))
        for path in DEPLOY.rglob("*")
        if path.is_file() and path.suffix != ".json"
    }


def known_variables() -> set[str]:
    """Those that code or a dagster.yaml reads: fields of the settings, and names that stand there in full."""
    prefix = "EXPORT_PIPELINES_"
    names = {prefix + field.upper() for field in Settings.model_fields}
    names |= {f"{name}_FILE" for name in names}
    names |= {f"{prefix}SERVICE_{field.upper()}" for field in ServiceSettings.model_fields}
    sources = [
        *(REPOSITORY / "export_pipelines").rglob("*.py"),
        REPOSITORY / "dagster.yaml",
        *DEPLOY.glob("*.yaml"),
    ]
    for path in sources:
        text = path.read_text(encoding="utf-8")
        names |= set(VARIABLE.findall(text))
        names |= {
            prefix + name
            for name in re.findall(r"PREFIX \+ \"([A-Z_]+)\"|\{PREFIX\}([A-Z_]+)", text)
            for name in name
            if name
        }
    return names
