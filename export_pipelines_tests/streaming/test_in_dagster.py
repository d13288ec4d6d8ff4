"""A stream in Dagster: an observed asset, a run that lasts until a successor takes over, a sensor that keeps one going."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from export_pipelines.orchestration import streams
from export_pipelines.orchestration.build import build_definitions
from export_pipelines.orchestration.run_tags import EXPORT_TAG
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.streaming.live import NAME, Live
from export_pipelines_tests.streaming.test_stream import state_of

KEY = dg.AssetKey(["event", NAME])
PATIENCE_S = 60.0


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance() as instance:
        yield instance


def sense(live: Live, instance: dg.DagsterInstance) -> Any:
    definitions = build_definitions(live.project)
    context = dg.build_sensor_context(instance=instance, repository_def=definitions.get_repository_def())
    return definitions.resolve_sensor_def(f"{NAME}_stream").evaluate_tick(context)


def test_a_stream_is_an_asset_with_a_job_and_a_sensor_that_is_off(to_s3: Live) -> None:
    definitions = build_definitions(to_s3.project)
    dg.Definitions.validate_loadable(definitions)
    spec = definitions.resolve_asset_graph().get(KEY)
    assert spec.kinds == {"postgresql", "ndjson", "s3"} and not spec.is_executable
    sensor = definitions.resolve_sensor_def(f"{NAME}_stream")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert definitions.resolve_job_def(NAME).tags[EXPORT_TAG] == NAME
    assert definitions.resolve_job_def(f"event__{NAME}__replay")


def test_a_run_observes_the_asset_and_hands_over_to_the_next(
    to_s3: Live, instance: dg.DagsterInstance
) -> None:
    live = to_s3
    job = build_definitions(live.project).resolve_job_def(NAME)
    results: list[dg.ExecuteInProcessResult] = []

    def execute() -> None:
        results.append(job.execute_in_process(instance=instance, raise_on_error=False))

    run = threading.Thread(target=execute)
    live.insert(1, 40)
    state_of(live)  # makes the ledger; Alembic knows no threads
    run.start()
    wait_until(lambda: state_of(live).sent == 40)
    successor = live.begin(NAME, "--take-over")
    run.join(PATIENCE_S)
    assert len(results) == 1 and results[0].success
    live.insert(41, 10)
    wait_until(lambda: state_of(live).sent == 50)
    successor.terminate()
    successor.communicate()
    observed = [record.asset_observation for record in instance.fetch_observations(KEY, limit=10).records]
    metadata = [observation.metadata for observation in observed if observation]
    assert (
        sum(int(str(item["rows"].value)) for item in metadata) == 40
        and metadata[0]["next sequence"].value == 41
    )
    assert {"rows a second", "batches", "late", "age of the newest record, s"} <= set(metadata[0])


def test_the_sensor_asks_for_a_run_where_none_is(
    to_s3: Live, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(sense(to_s3, instance).run_requests) == 1
    job = build_definitions(to_s3.project).resolve_job_def(NAME)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={EXPORT_TAG: NAME})
    assert "a run sends" in str(sense(to_s3, instance).skip_message)
    monkeypatch.setattr(streams, "RUN_FOR", timedelta())
    assert len(sense(to_s3, instance).run_requests) == 1
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={EXPORT_TAG: NAME})
    assert "about to take over" in str(sense(to_s3, instance).skip_message)
    assert run


def test_a_paused_stream_is_left_alone(to_s3: Live, instance: dg.DagsterInstance) -> None:
    code, _, said = to_s3.call("pause", NAME)
    assert code == 0, said
    assert "paused at" in str(sense(to_s3, instance).skip_message)


def test_after_each_failure_the_sensor_waits_longer(live_records: list[Any]) -> None:
    now = datetime.now(UTC)
    for failed, pause in enumerate(streams.PAUSES_S):
        reason = streams._why_not(live_records[:failed], None, now + timedelta(seconds=pause - 1))
        assert (reason is None) == (failed == 0), failed
        assert streams._why_not(live_records[:failed], None, now + timedelta(seconds=pause + 1)) is None


@pytest.fixture
def live_records() -> list[Any]:
    """Failed runs that have just ended."""

    class Run:
        status = dg.DagsterRunStatus.FAILURE

    class Record:
        dagster_run = Run
        end_time = datetime.now(UTC).timestamp()

    return [Record] * len(streams.PAUSES_S)


def test_a_replay_goes_to_another_place(to_s3: Live, instance: dg.DagsterInstance) -> None:
    live = to_s3
    ids = live.insert(1, 30)
    code, _, said = live.call(NAME, "--until-caught-up")
    assert code == 0, said
    job = build_definitions(live.project).resolve_job_def(f"event__{NAME}__replay")
    node = f"event__{NAME}__replay_rows"
    nowhere = job.execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"ops": {node: {"config": {"from": "2024-01-01"}}}},
    )
    assert not nowhere.success
    config = {"ops": {node: {"config": {"from": "2024-01-01", "to": "again/{{hour}}/"}}}}
    assert job.execute_in_process(instance=instance, raise_on_error=False, run_config=config).success
    records = live.records()
    assert Counter(record["id"] for record in records) == dict.fromkeys(ids, 2)
    assert {record["export"] for record in records} == {NAME}
    assert state_of(live).sent == 30


def wait_until(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
