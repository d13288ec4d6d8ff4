"""No secret stands anywhere that a person or a program may look at, also when everything fails: output, logs, Dagster's
own records, ledger, manifests."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from export_pipelines_servers.receivers import REMOTE
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.shell import in_process

KINDS = ("s3", "sftp (asyncssh)", "webhook", "email")
EXPORT = "type: lead\nformat: csv\nfields: [lead_id, price]\npartition: daily\nstart: 2024-01-01\n"
DAY = "2024-01-15"
WRONG = "wr0ng-and-secret-of-32-bytes-and-more"


@pytest.fixture
def failing(project: Project, tmp_path: Path) -> Iterator[Project]:
    """Export `works` delivers everywhere, `fails` in each way that the receivers know."""
    works, fails = list[Any](), list[Any]()
    with ExitStack() as stack:
        for name in KINDS:
            folder = tmp_path / name
            folder.mkdir()
            receiver = stack.enter_context(REMOTE[name](folder))
            project.environment.update(receiver.environment)
            works.append(receiver.entry())
            fails += receiver.refused().values()
        for name, entries in {"works": works, "fails": fails}.items():
            for number, entry in enumerate(entries):
                if place := {"s3": "key", "sftp": "path"}.get(entry["kind"]):
                    entry["settings"][place] += f"{name}_{number}/"
            deliver = [{entry["kind"]: entry["settings"]} for entry in entries]
            project.write(name, EXPORT + yaml.safe_dump({"deliver": deliver}))
        yield project


def test_a_grep_for_every_secret_finds_nothing(failing: Project) -> None:
    project = failing
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = WRONG
    ran = {
        name: in_process(project, "--debug", "run", name, "--partition", DAY) for name in ("works", "fails")
    }
    assert ran["works"].returncode == 0, ran["works"].stderr
    assert ran["fails"].returncode != 0
    rows = in_process(project, "deliveries", "--json")
    assert '"delivered"' in rows.stdout and '"failed"' in rows.stdout
    more = (["check", "--connect"], ["deliveries"], ["plan", "fails", "--partition", DAY, "--json"])
    said = [*ran.values(), rows, *(in_process(project, *command) for command in more)]
    everything = {f"output {n}": (answer.stdout + answer.stderr).encode() for n, answer in enumerate(said)}
    everything |= {str(path): path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    assert any("ledger.db" in name for name in everything)
    assert any("dagster" in name for name in everything)
    leaks = [
        (variable, name)
        for variable, value in project.environment.items()
        if not variable.startswith("EXPORT_PIPELINES_") or variable.endswith("KEY")
        for name, data in everything.items()
        if any(form.encode() in data for form in forms(value))
    ]
    assert leaks == []


def forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, in a URL, in base64; of a URL and of a key, what is secret in it."""
    if "://" in secret:
        secret = secret.partition("://")[2].partition("@")[0].partition(":")[2]
    if "\n" in secret:
        return set(secret.splitlines()[1:-1])
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")} - {""}
