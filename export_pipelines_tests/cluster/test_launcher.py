"""The launcher over a real broker that goes away and comes back empty; and the worker that refuses to start."""

import base64
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus

from export_pipelines.cluster.celery_app import broker_of, celery_app, queue_of
from export_pipelines.cluster.launcher import ClusterRunLauncher
from export_pipelines.cluster.versions import announced, program_version
from export_pipelines.errors import SettingsError
from export_pipelines.ledger import RunLeases, open_ledger
from export_pipelines_servers.redis import RedisServer
from export_pipelines_tests.preloaded import Process


@dg.op
def nothing() -> None: ...


@dg.job
def daily() -> None:
    nothing()


def starting(instance: dg.DagsterInstance, tags: Mapping[str, str] | None = None) -> dg.DagsterRun:
    run = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.NOT_STARTED, tags=tags)
    event = dg.DagsterEvent(event_type_value="PIPELINE_STARTING", job_name="daily", message="")
    instance.report_dagster_event(event, run.run_id)
    return run


def launch(instance: dg.DagsterInstance, **tags: str) -> str:
    """The message of a run, without what is asked before the first of a daemon."""
    run = starting(instance, tags)
    assert isinstance(instance.run_launcher, ClusterRunLauncher)
    instance.run_launcher.send(run)
    return run.run_id


def messages(broker: RedisServer) -> int:
    return len(waiting(broker))


def waiting(broker: RedisServer) -> list[str]:
    """The runs that wait at the broker, in the order in which workers take them."""
    with celery_app(broker.url).connection_for_read() as connection:
        channel, queue = connection.default_channel, queue_of(program_version())
        keys = [channel._q_for_pri(queue, step) for step in channel.priority_steps]
        bodies = [
            json.loads(text)["body"] for key in keys for text in reversed(channel.client.lrange(key, 0, -1))
        ]
    return [json.loads(base64.b64decode(body))[0][0] for body in bodies]


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


def test_a_launch_is_a_message_and_says_which_versions_workers_need(
    instance: dg.DagsterInstance, broker: RedisServer
) -> None:
    before = messages(broker)
    launch(instance)
    assert messages(broker) == before + 1
    assert announced(instance)["program"] == program_version()


def test_a_launcher_beside_what_only_its_machine_sees_sends_nothing(
    instance: dg.DagsterInstance, broker: RedisServer
) -> None:
    before = messages(broker)
    with pytest.raises(
        SettingsError, match="EXPORT_PIPELINES_LEDGER_URL: the ledger is a file of this machine"
    ):
        instance.run_launcher.launch_run(LaunchRunContext(dagster_run=starting(instance), workspace=None))
    assert messages(broker) == before and not announced(instance)


def test_workers_take_runs_of_schedules_before_those_of_backfills(
    instance: dg.DagsterInstance, broker: RedisServer
) -> None:
    priorities = ("0", "-1", "1", "none", "1")
    ids = [launch(instance, **{"dagster/priority": priority}) for priority in priorities]
    order = [run_id for run_id in waiting(broker) if run_id in ids]
    assert [ids.index(run_id) for run_id in order] == [2, 4, 0, 3, 1]


def test_the_broker_may_be_named_by_a_file(tmp_path: Path, broker: RedisServer) -> None:
    (tmp_path / "broker").write_text(f"{broker.url}\n")
    variable = "EXPORT_PIPELINES_BROKER_URL"
    assert broker_of({"DAGSTER_HOME": str(tmp_path), f"{variable}_FILE": "broker"}) == broker.url
    assert broker_of({"DAGSTER_HOME": str(tmp_path), f"{variable}_FILE": "missing"}) == ""


def test_a_broker_that_is_away_fails_no_run(instance: dg.DagsterInstance, broker: RedisServer) -> None:
    broker.stop()
    began = time.monotonic()
    run_id = launch(instance)
    assert status(instance, run_id) is dg.DagsterRunStatus.STARTING and time.monotonic() - began < 30
    broker.start()
    assert messages(broker) == 0
    launcher, run = instance.run_launcher, instance.get_run_by_id(run_id)
    assert isinstance(launcher, ClusterRunLauncher) and run
    launcher.send(run)
    assert messages(broker) == 1


def test_a_run_that_no_worker_has_is_cancelled_at_once(instance: dg.DagsterInstance) -> None:
    run_id = launch(instance)
    assert instance.run_launcher.terminate(run_id)
    assert status(instance, run_id) is dg.DagsterRunStatus.CANCELED
    assert not instance.run_launcher.terminate(run_id)


def test_a_run_that_a_worker_has_is_told_by_its_record(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = launch(instance)
    RunLeases(open_ledger(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}").engine).take(run_id, run_id, "a:1")
    assert instance.run_launcher.terminate(run_id)
    assert status(instance, run_id) is dg.DagsterRunStatus.CANCELING


def test_the_health_of_a_run_is_not_asked_of_the_broker(
    instance: dg.DagsterInstance, broker: RedisServer
) -> None:
    run_id = launch(instance)
    broker.stop()
    run = instance.get_run_by_id(run_id)
    assert run and instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert not instance.run_launcher.supports_resume_run


@pytest.mark.parametrize("module", ["worker", "daemon"])
def test_what_starts_beside_a_ledger_in_a_file_is_refused(
    instance: dg.DagsterInstance, tmp_path: Path, module: str
) -> None:
    with Process(["-m", f"export_pipelines.cluster.{module}"], tmp_path, os.environ) as process:
        _, said = process.communicate(120)
    assert process.wait() == 2, said
    assert "error: EXPORT_PIPELINES_LEDGER_URL: the ledger is a file of this machine" in said
    assert "Traceback" not in said and not announced(instance)
