"""While a window is written, those before it are delivered: in order, each tried as often as by an op of its own."""

import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import yaml

from export_pipelines.orchestration import backfill
from export_pipelines.project_parts import utc_now
from export_pipelines.run.observer import Run
from export_pipelines_servers.fault_proxy import Fault, FaultProxy, fault_proxy
from export_pipelines_servers.receivers import REMOTE, RemoteReceiver
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.interrupting import SIGNS, interrupt
from export_pipelines_tests.orchestration.project import DAILY, Project
from export_pipelines_tests.orchestration.test_failures import attempts_of, block
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.run.heard import Heard

DAYS = [f"2024-01-{day:02}" for day in range(1, 32)]
EXPORT = DAILY.partition("deliver:")[0]
AHEAD = 3  # windows that may be written, or waited for, before the run has registered this one
WAIT_S = 30


class Waiting(Heard):
    """Begins no window before deliveries of those `AHEAD` and more before it were tried."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project, self.beside = project, list[str]()

    def started(self, run: Run) -> None:
        super().started(run)
        before = DAYS[: max(DAYS.index(run.window) - AHEAD, 0)]
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            outcomes = attempts_of(self.project)
            if all(outcomes.get(key) and None not in outcomes[key] for key in before):
                self.beside = before
                return
            time.sleep(0.01)


def attempts(project: Project) -> list[tuple[str, int]]:
    """Window and destination of each attempt, as they began."""
    sql = (
        "SELECT a.window_key, d.number FROM attempts t JOIN deliveries d ON d.id = t.delivery "
        "JOIN artifacts a ON a.artifact = d.artifact ORDER BY t.rowid"
    )
    with closing(sqlite3.connect(project.settings.home / "ledger.db")) as connection:
        return [(key, number) for key, number in connection.execute(sql)]


def test_windows_arrive_in_their_order_while_later_ones_are_written(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", f'{DAILY}  - folder: {{path: "copy/{{{{date}}}}"}}\n')
    waiting = Waiting(project)
    done = backfill(project.opened(), "daily", DAYS[0], DAYS[-1], instance=instance, observer=waiting)
    assert done.exit_code == 0 and waiting.beside == DAYS[: -1 - AHEAD]
    for number in (1, 2):
        assert [key for key, entry in attempts(project) if entry == number] == DAYS
    assert set(map(tuple, attempts_of(project).values())) == {("delivered", "delivered")}
    for manifest in done.manifests:
        (part,) = manifest.parts
        stored = project.store.open(manifest.artifact, part.name).read()
        for folder in ("backup", "copy"):
            path = project.settings.home / "delivered" / folder / manifest.window.key / part.name
            assert path.read_bytes() == stored


def test_a_fault_of_one_delivery_leaves_the_others_and_is_met_once(
    project: Project, instance: dg.DagsterInstance
) -> None:
    block(project, DAYS[2])
    done = backfill(project.opened(), "daily", DAYS[0], DAYS[5], instance=instance, observer=Waiting(project))
    assert set(done.failures) == {DAYS[2]} and done.exit_code == 1 and len(done.manifests) == 6
    assert attempts_of(project) == {key: ["failed" if key == DAYS[2] else "delivered"] for key in DAYS[:6]}


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteReceiver]:
    with REMOTE["sftp (OpenSSH)"](tmp_path) as receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        yield receiver


@pytest.fixture
def proxy(project: Project, receiver: RemoteReceiver) -> Iterator[FaultProxy]:
    """On the way to the receiver, to which the export is delivered."""
    with fault_proxy(receiver.port) as proxy:
        settings = receiver.through(proxy.port)["settings"]
        entry = {"sftp": {**settings, "path": settings["path"] + "{{date}}"}}
        project.write("daily", EXPORT + yaml.safe_dump({"deliver": [entry]}))
        yield proxy


def test_all_windows_of_a_backfill_go_over_one_connection(
    project: Project, instance: dg.DagsterInstance, proxy: FaultProxy, ranges_of_three: None
) -> None:
    done = backfill(project.opened(), "daily", DAYS[0], DAYS[6], instance=instance)
    assert done.exit_code == 0 and len(done.outcomes) == 3
    assert [key for key, _ in attempts(project)] == DAYS[:7] and proxy.connections == 1


def test_what_may_succeed_later_is_tried_again_by_the_op_of_the_destination(
    project: Project, instance: dg.DagsterInstance, proxy: FaultProxy
) -> None:
    proxy.fault = Fault("refuse")
    done = backfill(project.opened(), "daily", DAYS[0], DAYS[5], instance=instance, observer=Waiting(project))
    assert done.exit_code == 0 and not done.failures
    outcomes = attempts_of(project)
    assert outcomes.pop(DAYS[0]) == ["retrying", "delivered"]
    assert outcomes == {key: ["delivered"] for key in DAYS[1:6]}


def test_a_destination_that_hangs_does_not_hold_up_the_writing(
    project: Project, instance: dg.DagsterInstance, proxy: FaultProxy
) -> None:
    """What waits for it are names: neither the memory of the run nor its place at the source depends on a receiver."""
    proxy.fault = Fault("stall", stall_s=4)
    opened = project.opened(utc_now)
    done = backfill(opened, "daily", DAYS[0], DAYS[-1], instance=instance)
    assert done.exit_code == 0
    ledger = opened.ledger
    (first,) = (delivery for delivery in ledger.deliveries("daily") if delivery.window_key == DAYS[0])
    hung = ledger.attempts(first.id)[0]
    assert hung["outcome"] == "retrying"
    assert max(record.created_at for record in ledger.windows("daily")) < hung["ended_at"]
    assert [key for key, _ in attempts(project)] == [*DAYS, DAYS[0]]


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import dagster as dg
from export_pipelines.interrupts import exit_code, hear
from export_pipelines.orchestration import backfill
from export_pipelines.project import Project
hear()
now = lambda: datetime(2024, 2, 20, 8, 30, tzinfo=UTC)
try:
    with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
        backfill(Project.open(Path(sys.argv[1]), None, now), "daily", "2024-01-01", "2024-01-31", instance=instance)
except KeyboardInterrupt:
    sys.exit(exit_code())
"""


@pytest.mark.parametrize("sign", SIGNS)
def test_an_interrupt_ends_the_delivery_in_hand_and_begins_no_other(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    project.in_environment(monkeypatch)
    monkeypatch.setenv("P", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        entry = f'{{bucket: acme, key: "a/", endpoint_url: "{url}", access_key: {{env: P}}, secret_key: {{env: P}}}}'
        project.write("daily", f"{EXPORT}deliver:\n  - s3: {entry}\n")
        with Process(["-c", CHILD, str(tmp_path)], tmp_path, child_environment()) as child:
            hanging, _ = server.accept()
            interrupt(child, sign, server, hanging)
    outcomes = attempts_of(project)
    assert outcomes.pop(DAYS[0]) == ["retrying"] and not any(outcomes.values())


def test_what_a_killed_backfill_has_delivered_is_not_sent_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.in_environment(monkeypatch)
    with Process(["-c", CHILD, str(tmp_path)], tmp_path, child_environment()) as child:
        while child.poll() is None and sum(map(bool, attempts_of(project).values())) < 3:
            time.sleep(0.01)
        child.kill()
        _, said = child.communicate()
    before = attempts_of(project)
    assert 3 <= len(before) < len(DAYS), said
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert backfill(project.opened(), "daily", DAYS[0], DAYS[-1], instance=instance).exit_code == 0
    in_hand = {key for key, outcomes in before.items() if outcomes == [None]}
    assert len(in_hand) < 2
    assert attempts_of(project) == {
        key: ["killed", "delivered"] if key in in_hand else ["delivered"] for key in DAYS
    }
