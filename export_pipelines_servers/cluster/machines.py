"""The machines of a cluster: processes with a folder and a HOME each, which share PostgreSQL, Redis and a bucket."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from export_pipelines.key_versions import PREFIX
from export_pipelines_servers.cluster.network import Namespace
from export_pipelines_servers.ending import undisturbed, with_parent

REPOSITORY = Path(__file__).parents[2]
WORKSPACE = """\
load_from:
  - python_module: {module_name: export_pipelines.definitions, working_directory: .}
"""


@dataclass
class Machine:
    """`start` runs a module there; `kill` ends all of its processes at once, as the loss of the machine would. Without a
    `namespace` it is on this machine's network."""

    folder: Path
    environment: Mapping[str, str]
    namespace: Namespace | None = None
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def address(self) -> str:
        return self.namespace.address if self.namespace else "127.0.0.1"

    def command(self, words: Sequence[str]) -> list[str]:
        module = [sys.executable, "-m", *words]
        return self.namespace.command(module) if self.namespace else module

    def variables(self) -> dict[str, str]:
        home = self.folder / "home"
        own = {
            "DAGSTER_HOME": str(self.folder),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            f"{PREFIX}HOME": str(home),
            f"{PREFIX}DAGSTER": str(home / "dagster"),
        }
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            **self.environment,
            **own,
        }

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        (self.folder / "home" / "dagster").mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, undisturbed():
            process = subprocess.Popen(
                self.command(words),
                cwd=self.folder,
                env=self.variables(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=with_parent(signal.SIGKILL),  # noqa: PLW1509
            )
        self.processes.append(process)
        return process

    @property
    def is_alive(self) -> bool:
        """Whether what was started last has not ended."""
        return bool(self.processes) and self.processes[-1].poll() is None

    def run(self, *words: str) -> str:
        """Runs a module to its end; gives what it said."""
        done = subprocess.run(
            self.command(words), cwd=self.folder, env=self.variables(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def kill(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()


def new_machine(
    folder: Path,
    exports: Mapping[str, str],
    environment: Mapping[str, str],
    endpoint: str,
    namespace: Namespace | None = None,
) -> Machine:
    """A folder with the project in it: dagster.yaml of `deploy/`, workspace.yaml and `exports`."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "exports").mkdir(parents=True)
    config = yaml.safe_load((REPOSITORY / "deploy" / "dagster.celery.yaml").read_text())
    config["compute_logs"]["config"]["endpoint_url"] = endpoint  # Amazon's own needs none
    (folder / "dagster.yaml").write_text(yaml.safe_dump(config))
    (folder / "workspace.yaml").write_text(WORKSPACE)
    for name, text in exports.items():
        (folder / "exports" / f"{name}.yaml").write_text(text)
    return Machine(folder, environment, namespace)
