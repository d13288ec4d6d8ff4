"""A real `dagster-daemon` over a project, killed with SIGKILL at a moment that is seen in Dagster's own tables."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.orchestration.project import Project
from export_pipelines_tests.preloaded import Process

ROOT = Path(__file__).parents[2]
POLL_S = 0.005
LOCATION = "exports"  # as turn_on names it


@dataclass(frozen=True)
class Moment:
    """So many seconds after there are `number` of `what`, see `count`."""

    what: str
    number: int
    after_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.what}{self.number}+{self.after_s:g}"


def count(project: Project, what: str) -> int:
    """`ticks`, `runs`, `STARTED` or `SUCCESS` runs (those of the export), `artifacts` in the ledger."""
    home = project.settings.home
    runs = "SELECT count(*) FROM runs WHERE pipeline_name = 'daily'"
    match what:
        case "ticks":
            query = "SELECT count(*) FROM job_ticks WHERE type = 'SCHEDULE'"
            return _scalar(home / "dagster" / "schedules" / "schedules.db", query)
        case "runs":
            return _scalar(home / "dagster" / "history" / "runs.db", runs)
        case "artifacts":
            return _scalar(home / "ledger.db", "SELECT count(*) FROM artifacts")
        case status:
            return _scalar(home / "dagster" / "history" / "runs.db", f"{runs} AND status = '{status}'")


def _scalar(path: Path, query: str) -> int:
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as connection:
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # no table yet, or a writer was quicker
        return 0


@dataclass
class Daemons:
    """Daemons of one project, one at a time. Their code servers and runs outlive them, as on a real machine."""

    project: Project
    folder: Path
    dequeue_s: int = 1  # how often runs are taken from the queue
    groups: list[Process] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
        config["run_monitoring"] |= {"start_timeout_seconds": 60, "poll_interval_seconds": 5}
        config["run_coordinator"]["config"]["dequeue_interval_seconds"] = self.dequeue_s
        (self.folder / "dagster.yaml").write_text(yaml.safe_dump(config))
        module = {"module_name": "export_pipelines.definitions", "location_name": LOCATION}
        workspace = {"load_from": [{"python_module": {**module, "working_directory": str(ROOT)}}]}
        (self.folder / "workspace.yaml").write_text(yaml.safe_dump(workspace))

    def environment(self) -> dict[str, str]:
        settings = self.project.settings
        return {
            **child_environment(),
            "DAGSTER_HOME": str(self.folder),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "EXPORT_PIPELINES_DAGSTER": str(settings.home / "dagster"),
            "EXPORT_PIPELINES_HOME": str(settings.home),
            "EXPORT_PIPELINES_STORE_URL": settings.store_url,
            "EXPORT_PIPELINES_DEFINITIONS": str(settings.definitions),
            "EXPORT_PIPELINES_SOURCE_URL": settings.source_url.get_secret_value(),
        }

    def start(self) -> None:
        words = ["-m", "dagster._daemon", "run", "-w", str(self.folder / "workspace.yaml")]
        self.logs.append(self.folder / f"daemon_{len(self.logs)}.log")
        self.groups.append(Process(words, self.folder, self.environment(), self.logs[-1]))

    def until(self, done: Callable[[], bool], seconds: float, poll_s: float = POLL_S) -> None:
        """Waits and asks every `poll_s` seconds; fails with the daemon's log when it takes longer."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.logs[-1].read_text()[-4000:]
            time.sleep(poll_s)

    def kill_at(self, moment: Moment, most: int, seconds: float) -> None:
        """Kills the daemon alone, with one more of what the moment counts than is there, where it has come already."""
        number = min(max(moment.number, count(self.project, moment.what) + 1), most)
        self.until(lambda: count(self.project, moment.what) >= number, seconds)
        time.sleep(moment.after_s)
        self.groups[-1].send_signal(signal.SIGKILL)
        self.groups[-1].wait()

    def end(self) -> None:
        """All daemons, with their servers and runs."""
        for group in self.groups:
            try:
                os.killpg(group.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            group.wait()
