"""A daemon that is killed in the middle of a tick: each window is exported once, and a day that failed by the next tick.

TICK_KILLS=1 in the environment kills at twenty moments, five in each of four ticks, over seven days, instead of at two in one over three days."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.ledger import open_ledger
from export_pipelines.orchestration import open_instance
from export_pipelines.sample import generate_leads
from export_pipelines_tests.orchestration.killed_daemon import Daemons, Moment
from export_pipelines_tests.orchestration.project import DAILY, Project, make_project
from export_pipelines_tests.orchestration.scheduled import turn_on

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MANY = "TICK_KILLS" in os.environ
DUE = 7 if MANY else 3
SELDOM_S = (
    0.5  # to ask whether all is done opens the ledger; more often it would take the processor from the daemon
)
PATIENCE_S = 900.0 if MANY else 300.0
FEW = [[Moment("ticks", 1), Moment("runs", 2, 0.02)]]
ALL = [
    [Moment("ticks", 1), Moment("runs", 1), Moment("runs", 3), Moment("runs", 5), Moment("artifacts", 1)],
    [
        Moment("ticks", 1, 0.2),
        Moment("runs", 2),
        Moment("runs", 4),
        Moment("runs", 6),
        Moment("artifacts", 4),
    ],
    [
        Moment("ticks", 1, 0.5),
        Moment("runs", 1, 0.02),
        Moment("runs", 3, 0.02),
        Moment("runs", 7),
        Moment("SUCCESS", 1),
    ],
    [
        Moment("runs", 1, 0.1),
        Moment("STARTED", 1),
        Moment("runs", 5, 0.02),
        Moment("runs", 7, 0.02),
        Moment("SUCCESS", 6),
    ],
]


@pytest.fixture
def tick() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) - 2 * MINUTE


@pytest.fixture
def project(tmp_path: Path, tick: datetime) -> Project:
    """DUE days of leads and a schedule that was turned on before the first of them was over, and ticked never yet."""
    start = (tick - DUE * DAY).date()
    generate_leads(f"sqlite:///{tmp_path / 'leads.db'}", 10 * DUE, 7, start, DUE + 1)
    project = make_project(tmp_path, tmp_path / "leads.db")
    text = DAILY.replace("start: 2024-01-01", f"start: {start - DAY}")
    project.write("daily", text.replace("daily at 02:00", f"daily at {tick:%H:%M}"))
    return project


@pytest.fixture
def daemons(project: Project, tmp_path: Path, tick: datetime) -> Iterator[Daemons]:
    daemons = Daemons(project, tmp_path, dequeue_s=1 if MANY else 5)
    try:
        yield daemons
    finally:
        daemons.end()


@pytest.fixture
def instance(
    project: Project, daemons: Daemons, monkeypatch: pytest.MonkeyPatch, tick: datetime
) -> Iterator[dg.DagsterInstance]:
    for name, value in daemons.environment().items():
        monkeypatch.setenv(name, value)
    with open_instance(project.settings, daemons.folder, os.environ) as instance:
        turn_on(instance, tick - DUE * DAY + MINUTE, cron=f"{tick.minute} {tick.hour} * * *")
        yield instance


def windows(tick: datetime) -> list[str]:
    return [(tick - number * DAY).date().isoformat() for number in range(DUE, 0, -1)]


def arrived(project: Project) -> Counter[str]:
    """How many artifacts of each window are at the destination, by the ledger."""
    with_url = project.settings.ledger_url.get_secret_value()
    ledger = open_ledger(with_url)
    try:
        return Counter(window.window_key for window in ledger.windows("daily") if window.arrived)
    finally:
        ledger.engine.dispose()


def files(project: Project) -> list[str]:
    folder = project.settings.home / "delivered" / "backup"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def unfinished(instance: dg.DagsterInstance) -> int:
    return sum(not run.is_finished for run in instance.get_runs(dg.RunsFilter(job_name="daily")))


@pytest.mark.parametrize("moments", ALL if MANY else FEW, ids=lambda moments: ",".join(map(str, moments)))
def test_each_window_of_a_killed_tick_is_exported_once(
    project: Project, daemons: Daemons, instance: dg.DagsterInstance, tick: datetime, moments: list[Moment]
) -> None:
    for moment in moments:
        daemons.start()
        daemons.kill_at(moment, DUE, PATIENCE_S)
    daemons.start()
    daemons.until(lambda: len(arrived(project)) == DUE and not unfinished(instance), PATIENCE_S, SELDOM_S)
    assert arrived(project) == dict.fromkeys(windows(tick), 1)
    exported = Counter(manifest.window.key for manifest in project.store.manifests("daily"))
    assert exported == dict.fromkeys(windows(tick), 1)
    assert files(project) == [
        f"{key}/{name}" for key in windows(tick) for name in ("daily.manifest.json", "leads_part_1.csv")
    ]
    succeeded = instance.get_runs(dg.RunsFilter(job_name="daily", statuses=[dg.DagsterRunStatus.SUCCESS]))
    assert Counter(run.tags["dagster/partition"] for run in succeeded) == dict.fromkeys(windows(tick), 1)
