"""A project that is served: the service on a port of its own, and the daemon of Dagster that runs what is asked for."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import yaml

from export_pipelines.artifacts import Manifest
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import ApiKeys
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.project import Project
from export_pipelines_servers.free_port import free_port
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.preloaded import Process

UP_S, END_S = 120, 600
SIZE = 24_000_000
REQUEST_S, STALLED_S, STOP_S = 2, 2, 4
SETTINGS = {
    "REQUEST_S": REQUEST_S,
    "STALLED_S": STALLED_S,
    "STOP_S": STOP_S,
    "DENIALS_PER_MINUTE": 5,
}
PROCESSES = os.environ.get("RUN_PROCESSES") == "yes"  # each run in one of its own, at five seconds of CPU
IN_DAEMON = {
    "module": "dagster._core.launcher.sync_in_memory_run_launcher",
    "class": "SyncInMemoryRunLauncher",
}
WORKSPACE = """\
load_from:
  - python_module: {module_name: export_pipelines.definitions, working_directory: .}
"""
ACCESS = """\
roles:
  operator: {permissions: [view, create, download, admin]}
  analyst:
    permissions: [view, create, download]
    scope:
      pii: {default: remove, email: hash}
      destinations: {download: true}
  few: {permissions: [view, create, download], scope: {max_rows: 5}}
  viewer: {permissions: [view]}
principals:
  boss: {roles: [operator]}
  ana: {roles: [analyst]}
  fay: {roles: [few]}
  vic: {roles: [viewer]}
"""
DAILY = """\
description: Leads of a day
owner: boss
type: lead
format: csv
fields: [lead_id, submitted_at, state, price]
partition: daily
start: 2024-01-01
"""
PERSONAL = """\
description: Leads with addresses
owner: boss
type: lead
format: csv
fields: [lead_id, email, state]
partition: monthly
start: 2024-01-01
"""


@dataclass(frozen=True)
class Served:
    """`url` is where the service listens; `keys` has a key for each principal."""

    url: str
    project: Project
    environment: Mapping[str, str]
    keys: dict[str, str] = field(repr=False)

    def ask(self, method: str, path: str, who: str = "boss", **options: Any) -> requests.Response:
        """One request, with the key of `who` as LeadConduit takes it."""
        auth = ("API", self.keys[who])
        return requests.request(method, self.url + path, auth=auth, timeout=120, **options)

    def made(self, body: Mapping[str, Any], who: str = "boss") -> dict[str, Any]:
        """An export that was asked for, at its end."""
        answer = self.ask("POST", "/exports", who, json=body, headers={"Prefer": "wait=60"})
        assert answer.status_code == 201, answer.text
        return self.ended(answer.json(), who)

    def ended(self, made: dict[str, Any], who: str = "boss", end_s: float = END_S) -> dict[str, Any]:
        """The export at its end; a machine that is busy with other tests may take minutes."""
        until = time.monotonic() + end_s
        while made["status"] not in ("complete", "truncated", "error"):
            assert time.monotonic() < until, made
            made = self.ask("GET", f"/exports/{made['id']}", who, headers={"Prefer": "wait=30"}).json()
        return made


@dataclass(frozen=True)
class Alone:
    """A service without access.yaml and without a daemon, over a plain and a sealed artifact of 24 MB."""

    served: Served
    pid: int
    plain: Manifest
    sealed: Manifest

    def url(self, manifest: Manifest) -> str:
        return f"{self.served.url}/artifacts/{manifest.artifact}/files/{manifest.parts[0].name}"

    @property
    def auth(self) -> tuple[str, str]:
        return ("API", self.served.keys[OPERATOR])

    def get(self, manifest: Manifest, **options: Any) -> requests.Response:
        return requests.get(self.url(manifest), auth=self.auth, timeout=60, **options)

    def path(self, manifest: Manifest) -> Path:
        return Path(self.served.project.store.location(manifest.artifact)) / manifest.parts[0].name


def make_project(
    folder: Path, source_url: str, access: str | None = ACCESS, **settings: str
) -> dict[str, str]:
    """A folder with two exports; gives the environment of its processes."""
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "daily.yaml").write_text(DAILY)
    (folder / "exports" / "personal.yaml").write_text(PERSONAL)
    settings_of_dagster = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    if not PROCESSES:
        settings_of_dagster["run_launcher"] = IN_DAEMON
        settings_of_dagster["run_coordinator"]["config"]["dequeue_use_threads"] = False  # one at a time
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings_of_dagster))
    (folder / "workspace.yaml").write_text(WORKSPACE)
    if access:
        (folder / "access.yaml").write_text(access)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        f"{PREFIX}DAGSTER": str(folder / "home" / "dagster"),
        f"{PREFIX}HOME": str(folder / "home"),
        f"{PREFIX}SOURCE_URL": source_url,
        f"{PREFIX}HASH_KEY": "a key for hashes in tests, of 32 bytes or more",
        **settings,
    }


def make_keys(project: Project, names: tuple[str, ...] = ("boss", "ana", "fay", "vic")) -> dict[str, str]:
    keys = ApiKeys(project.ledger.engine)
    now = datetime.now(UTC)
    return {name: keys.new(name, timedelta(days=1), now, secrets.token_bytes(32)) for name in names}


@contextmanager
def serving(
    folder: Path, environment: Mapping[str, str], *options: str, port: int | None = None
) -> Iterator[tuple[str, int]]:
    """The service over the project in `folder`, on `port` or a free one; gives its URL and the id of its process."""
    port = port or free_port()
    command = ["-m", "export_pipelines.cli.app", "serve", "--port", str(port), *options]
    scheme = "https" if "--certificate" in options else "http"
    url = f"{scheme}://127.0.0.1:{port}"
    with _process(command, folder, environment, folder / f"service-{port}.log") as process:
        _await(lambda: requests.get(f"{url}/health", timeout=5, verify=False).ok, process)
        yield url, process.pid


@contextmanager
def daemon(folder: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """Dagster's daemon over the project in `folder`; gives the id of its process."""
    command = ["-m", "dagster._daemon", "run", "-w", str(folder / "workspace.yaml")]
    with _process(command, folder, environment, folder / "daemon.log") as process:
        yield process.pid


@contextmanager
def _process(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[Process]:
    with Process(command, folder, environment, log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _await(is_up: Any, process: Process) -> None:
    until = time.monotonic() + UP_S
    while time.monotonic() < until:
        assert process.poll() is None, f"it ended with {process.returncode}"
        with suppress(requests.RequestException):
            if is_up():
                return
        time.sleep(0.1)
    raise AssertionError("it did not come up")
