"""Deliveries that did not arrive at once: the run says so, the sensor asks again, and the record is made good."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.orchestration import redeliver
from export_pipelines.orchestration.delivery_retries import DELIVER_AGAIN, RETRY_TAG, send_config
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import NOW, Project, failure

DAY = "2024-01-15"
TWO = """\
type: lead
format: csv
fields: [lead_id, price]
partition: daily
start: 2024-01-01
deliver:
  - folder: {{path: "{first}/{{{{date}}}}"}}
  - folder: {{path: "{second}/{{{{date}}}}"}}
"""


@pytest.fixture
def ledger(project: Project) -> Ledger:
    return open_ledger(project.settings.ledger_url.get_secret_value())


@pytest.fixture
def blocked(project: Project, tmp_path: Path) -> Path:
    """The export `two`, whose second destination is no folder yet."""
    (tmp_path / "taken").write_text("x")
    project.write("two", TWO.format(first=tmp_path / "free", second=tmp_path / "taken"))
    return tmp_path


def tick(project: Project, instance: dg.DagsterInstance, later: timedelta) -> list[dg.RunRequest]:
    defs = project.definitions(project.opened(lambda: NOW + later))
    sensor = defs.resolve_sensor_def("retry_deliveries")
    context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
    return list(sensor.evaluate_tick(context).run_requests or [])


def make_retrying(ledger: Ledger, id: str) -> None:
    """As a connection that is refused leaves it."""
    from export_pipelines.errors import RetryableError

    with pytest.raises(RetryableError), ledger.claim(id, lambda: NOW, again=True):
        raise RetryableError("refused")


def test_one_destination_that_fails_does_not_hold_up_the_other(
    project: Project, blocked: Path, ledger: Ledger
) -> None:
    with stored_instance() as instance:
        result = project.run("two", DAY, instance=instance)
        key = dg.AssetKey(["lead", "two"])
        check = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(key, "delivered")]
        )
    assert not result.success and "cannot make the folder" in failure(result)["folder_2"]
    (record,) = check.values()
    assert record.status.value == "FAILED"
    assert [(delivery.number, delivery.state) for delivery in ledger.deliveries("two")] == [
        (1, "delivered"),
        (2, "failed"),
    ]
    assert (blocked / "free" / DAY / "leads_part_1.csv").is_file()


def test_a_mended_destination_is_delivered_by_hand_and_the_partition_is_recorded(
    project: Project, blocked: Path, ledger: Ledger
) -> None:
    with stored_instance() as instance:
        project.run("two", DAY, instance=instance)
        key = dg.AssetKey(["lead", "two"])
        assert instance.get_materialized_partitions(key) == set()
        (blocked / "taken").unlink()
        ids = [delivery.id for delivery in ledger.deliveries("two")]
        assert redeliver(project.opened(lambda: NOW), ids, False, instance=instance).failures == {}
        assert instance.get_materialized_partitions(key) == {DAY}
    assert [(delivery.state, delivery.attempts) for delivery in ledger.deliveries("two")] == [
        ("delivered", 1),
        ("delivered", 2),
    ]
    assert (blocked / "taken" / DAY / "leads_part_1.csv").is_file()


def test_the_sensor_asks_again_once_the_time_has_come(
    project: Project, blocked: Path, ledger: Ledger
) -> None:
    with stored_instance() as instance:
        project.run("two", DAY, instance=instance)
        (blocked / "taken").unlink()
        id = ledger.deliveries("two")[1].id
        make_retrying(ledger, id)
        assert tick(project, instance, timedelta(seconds=10)) == []
        (request,) = tick(project, instance, timedelta(minutes=5))
        assert request.run_config == send_config([id])
        job = project.definitions().resolve_job_def(DELIVER_AGAIN)
        assert job.execute_in_process(
            instance=instance, run_config=request.run_config, tags=request.tags
        ).success
        assert ledger.delivery(id).state == "delivered"
        assert tick(project, instance, timedelta(minutes=5)) == []


def test_the_sensor_asks_for_one_run_at_a_time(project: Project, blocked: Path, ledger: Ledger) -> None:
    with stored_instance() as instance:
        project.run("two", DAY, instance=instance)
        make_retrying(ledger, ledger.deliveries("two")[1].id)
        (request,) = tick(project, instance, timedelta(minutes=5))
        job = project.definitions().resolve_job_def(DELIVER_AGAIN)
        instance.create_run_for_job(job, tags={RETRY_TAG: "two"}, run_config=request.run_config)
        assert tick(project, instance, timedelta(minutes=5)) == []


def test_what_a_killed_run_left_due_is_sent_by_the_sensor(
    project: Project, blocked: Path, ledger: Ledger
) -> None:
    """Killed between `write` and its deliveries: the ledger knows the artifact, and nobody is at it."""
    with stored_instance() as instance:
        project.run("daily", DAY, instance=instance)
        (manifest,) = project.store.manifests("daily")
        entry: StoredEntry = {
            "kind": "folder",
            "settings": {"path": str(blocked / "late"), "overwrite": "replace"},
        }
        ledger.register(manifest, [entry], "a run that is not there", NOW)
        (request,) = tick(project, instance, timedelta())
        job = project.definitions().resolve_job_def(DELIVER_AGAIN)
        assert job.execute_in_process(instance=instance, run_config=request.run_config).success
    assert (blocked / "late" / "leads_part_1.csv").is_file()


def test_a_delivery_that_fails_again_fails_its_run_and_the_check(
    project: Project, blocked: Path, ledger: Ledger
) -> None:
    with stored_instance() as instance:
        project.run("two", DAY, instance=instance)
        ids = [delivery.id for delivery in ledger.deliveries("two")]
        texts = redeliver(project.opened(lambda: NOW), ids, False, instance=instance).failures
        assert len(texts) == 1 and "cannot make the folder" in next(iter(texts.values()))


def test_requests_say_who_asked_for_which_windows(project: Project, ledger: Ledger) -> None:
    project.run("daily", "2024-01-03", "2024-01-04")
    with ledger.engine.begin() as connection:
        from export_pipelines.ledger.tables import requests

        (row,) = connection.execute(requests.select())
    assert (row.export, row.origin, row.windows) == ("daily", "ui", ["2024-01-03", "2024-01-04"])
