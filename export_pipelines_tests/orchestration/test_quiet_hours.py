"""Quiet hours hold for launches, runs from the UI and backfills."""

from datetime import datetime

import dagster as dg
import pytest

from export_pipelines.errors import WindowError
from export_pipelines.orchestration import backfill, launch
from export_pipelines_tests.orchestration.project import DAILY, NOW, Project, failure, now
from export_pipelines_tests.run.heard import Heard

QUIET = DAILY.replace("schedule: daily at 02:00", "schedule: daily at 02:00\nquiet_hours: 22:00-06:00")


def test_outside_of_quiet_hours_nothing_is_launched(project: Project, instance: dg.DagsterInstance) -> None:
    project.write("daily", QUIET)
    for call in (
        lambda **more: launch(
            project.opened(now), "daily", partition_key="2024-01-15", instance=instance, **more
        ),
        lambda **more: backfill(
            project.opened(now), "daily", "2024-01-15", "2024-01-15", instance=instance, **more
        ),
    ):
        with pytest.raises(WindowError) as caught:
            call()
        assert str(caught.value) == (
            "exports/daily.yaml:8: daily runs in its quiet hours only, 22:00-06:00 UTC; it is 08:30 "
            "(wait, or add --now)"
        ).replace("exports/daily.yaml", str(project.settings.definitions / "daily.yaml"))
        assert instance.get_runs_count() == 0
    done = launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance, any_hour=True)
    assert done.ok


def test_a_run_from_the_ui_fails_outside_of_quiet_hours(project: Project) -> None:
    project.write("daily", QUIET)
    text = failure(project.run("daily", "2024-01-15"))["extract"]
    assert "quiet hours only" in text and "export/any_hour: yes" in text


@pytest.mark.usefixtures("ranges_of_three")
def test_a_backfill_stops_between_runs_when_the_quiet_hours_end(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", QUIET)
    heard = Heard()

    def clock() -> datetime:  # past six when the first run is done
        return NOW.replace(hour=5 if len(heard.written) < 3 else 6)

    done = backfill(
        project.opened(clock),
        "daily",
        "2024-01-29",
        "2024-02-02",
        instance=instance,
        observer=heard,
    )
    assert len(done.outcomes) == 1 and done.exit_code == 1
    assert done.left == ("2024-02-01", "2024-02-02")
    second = backfill(
        project.opened(lambda: NOW.replace(hour=23)),
        "daily",
        "2024-01-29",
        "2024-02-02",
        instance=instance,
    )
    assert len(second.skipped) == 3 and [manifest.window.key for manifest in second.manifests] == list(
        done.left
    )
