from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.store_around import StoreAround
from export_pipelines.orchestration import redeliver
from export_pipelines.orchestration.checks import evaluations
from export_pipelines.orchestration.edges import Done, Written
from export_pipelines.orchestration.history import TRAILING, History
from export_pipelines.plan.plan import Window
from export_pipelines.plan.window import WHOLE_KEY
from export_pipelines_tests.orchestration.project import DAILY, NOW, WHOLE, Project, checks, materializations

KEY = dg.AssetKey(["lead", "daily"])
DAYS = dict.fromkeys(("2024-01-13", "2024-01-14", "2024-01-15"), "SUCCEEDED")
MONDAYS = DAILY + "filter: {weekdays: [monday]}\n"


def a_manifest(project: Project) -> Manifest:
    project.run("daily", "2024-01-15")
    return project.store.manifests("daily")[0]


@dataclass(frozen=True)
class Reads(StoreAround):
    """The store, which knows the names of the artifacts that were read."""

    names: list[str] = field(default_factory=list)

    def read(self, artifacts: Iterable[str]) -> Listing:
        self.names.extend(artifacts := list(artifacts))
        return super().read(artifacts)


def on_day(manifest: Manifest, day: int, rows: int = 10, hour: int = 0) -> Manifest:
    start = datetime(2024, 1, day, tzinfo=UTC)
    window = Window(start=start, end=start + timedelta(days=1), key=start.date().isoformat())
    changes = {"window": window, "rows": rows, "artifact": f"daily/{day}/{hour}"}
    return manifest.model_copy(update=changes | {"created_at": start + timedelta(days=40, hours=hour)})


def result_of(name: str, manifest: Manifest, stored: list[Manifest]) -> dg.AssetCheckEvaluation:
    done = Done(Written(export="daily", window=manifest.window), manifest, (), ())
    results = evaluations(KEY, [done], History([*stored, manifest]), partitioned=True)
    return next(result for result in results if result.check_name == name)


def colours(instance: dg.DagsterInstance, name: str) -> dict[str | None, str]:
    """What the UI shows for each partition."""
    infos = instance.event_log_storage.get_asset_check_partition_info([dg.AssetCheckKey(KEY, name)])
    return {info.partition_key: info.latest_execution_status.value for info in infos}


def test_all_checks_pass_on_a_good_run(project: Project) -> None:
    by_name = checks(project.run("daily", "2024-01-01", "2024-01-05"))
    assert len(by_name) == 4 and all(evaluation.passed for evaluation in by_name.values())


def test_each_partition_of_a_run_has_its_own_evaluation(project: Project) -> None:
    results = project.run("daily", "2024-01-01", "2024-01-03").get_asset_check_evaluations()
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert [evaluation.partition for evaluation in results if evaluation.check_name == "delivered"] == days


def test_a_run_that_fails_says_all_the_same_that_its_definition_is_well(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", DAILY + "limits: {rows: 5}\n")
    assert not project.run("daily", "2024-01-15", instance=instance).success
    key = dg.AssetCheckKey(KEY, "definition")
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert newest.status.value == "SUCCEEDED"


def test_a_partition_keeps_its_colour_when_another_is_run(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", MONDAYS)
    project.run("daily", "2024-01-02", "2024-01-08", instance=instance)
    project.run("daily", "2024-01-09", instance=instance)
    shown = colours(instance, "row_count_trailing_mean")
    assert shown.pop("2024-01-08") == "FAILED"
    assert (
        len(shown) == 7
        and set(shown.values()) <= {"SUCCEEDED", "FAILED"}
        and shown["2024-01-02"] == "SUCCEEDED"
    )


def test_a_window_that_was_not_written_is_not_evaluated(project: Project) -> None:
    project.write("daily", MONDAYS + "limits: {rows: 5}\n")
    result = project.run("daily", "2024-01-14", "2024-01-16")
    partitions = {
        (evaluation.check_name, evaluation.partition) for evaluation in result.get_asset_check_evaluations()
    }
    assert not result.success and ("delivered", "2024-01-14") in partitions
    assert "2024-01-15" not in {partition for _, partition in partitions}


def test_the_check_of_a_day_that_arrives_later_turns_green(
    project: Project, instance: dg.DagsterInstance
) -> None:
    in_the_way = project.settings.home / "delivered" / "backup" / "2024-01-14"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("x", encoding="utf-8")
    project.run("daily", "2024-01-13", "2024-01-15", instance=instance)
    assert colours(instance, "delivered") == dict(DAYS, **{"2024-01-14": "FAILED"})
    in_the_way.unlink()
    ids = [delivery.id for delivery in project.opened().ledger.deliveries("daily")]
    redeliver(project.opened(lambda: NOW), ids, False, instance=instance)
    assert colours(instance, "delivered") == DAYS


def test_a_row_count_far_from_the_mean_of_the_windows_before_is_a_warning(project: Project) -> None:
    project.write("daily", MONDAYS)
    evaluation = checks(project.run("daily", "2024-01-02", "2024-01-08"), "2024-01-08")[
        "row_count_trailing_mean"
    ]
    assert not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.WARN
    assert "2024-01-08: 10 rows" in str(evaluation.description)


def test_half_and_double_of_the_mean_are_still_usual(project: Project) -> None:
    manifest = a_manifest(project)
    before = [on_day(manifest, day) for day in (1, 2, 3)]
    verdicts = {
        rows: result_of("row_count_trailing_mean", on_day(manifest, 4, rows), before).passed
        for rows in (4, 5, 20, 21)
    }
    assert verdicts == {4: False, 5: True, 20: True, 21: False}


def test_two_windows_before_are_too_few_to_compare_with(project: Project) -> None:
    manifest = a_manifest(project)
    assert result_of(
        "row_count_trailing_mean", on_day(manifest, 3, 999), [on_day(manifest, 1), on_day(manifest, 2)]
    ).passed


def test_the_trailing_windows_are_the_newest_artifacts_of_the_seven_windows_before(project: Project) -> None:
    manifest = a_manifest(project)
    stored = [on_day(manifest, day, hour=hour) for day in range(1, 20) for hour in (1, 2)]
    before = History(stored).trailing(on_day(manifest, 12, hour=3))
    assert [each.artifact for each in before] == [f"daily/{day}/2" for day in range(5, 12)]
    assert len(before) == TRAILING


def test_the_history_of_some_windows_is_that_of_all_artifacts(project: Project) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 32)]
    for first, last in ((1, 20), (5, 25), (24, 31)):
        assert project.run("daily", days[first - 1], days[last - 1]).success
    manifests = project.store.manifests("daily")
    everything, read = History(manifests), Reads(project.store)
    history = History.of(read, "daily", days[17:20])
    assert {name.split("/")[1] for name in read.names} == set(days[10:20])
    asked = [manifest for manifest in manifests if manifest.window.key in days[17:20]]
    assert len(asked) == 6
    assert [history.trailing(each) for each in asked] == [everything.trailing(each) for each in asked]
    assert history.newest_first == everything.newest_first == manifests

    again = Reads(project.store)
    knowing = History.of(again, "daily", days[17:20], asked)
    assert {name.split("/")[1] for name in again.names} == set(days[10:17])
    assert [knowing.trailing(each) for each in asked] == [history.trailing(each) for each in asked]


def test_the_history_of_runs_without_partitions_is_their_last_ones(project: Project) -> None:
    project.write("whole", WHOLE)
    for number in range(TRAILING + 3):
        now = partial(NOW.__add__, timedelta(hours=number))
        assert project.run("whole", opened=project.opened(now)).success
    manifests = project.store.manifests("whole")
    history, everything = History.of(project.store, "whole", [WHOLE_KEY]), History(manifests)
    assert history.trailing(manifests[0]) == everything.trailing(manifests[0]) == manifests[TRAILING:0:-1]


def test_a_required_column_that_is_null_somewhere_warns_and_everywhere_is_an_error(project: Project) -> None:
    manifest = a_manifest(project)
    some = manifest.model_copy(update={"null_required": {"outcome": 3}})
    every = manifest.model_copy(update={"null_required": {"outcome": manifest.rows}})
    severities = [result_of("required_fields_not_null", each, []).severity for each in (some, every)]
    assert severities == [dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR]
    assert not result_of("required_fields_not_null", some, []).passed


def test_a_changed_column_list_is_a_warning_and_a_new_schema_version(project: Project) -> None:
    project.run("daily", "2024-01-15")
    project.write(
        "daily", DAILY.replace("email, ", "").replace("price]", "price, state]") + "contract: free\n"
    )
    result = project.run("daily", "2024-01-16")
    evaluation = checks(result)["schema_contract"]
    assert result.success and not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.description == "2024-01-16: schema version 2: gone: email; added: state"
    assert materializations(result)["2024-01-16"]["schema_version"] == 2


def test_equal_columns_keep_the_contract(project: Project) -> None:
    project.run("daily", "2024-01-15")
    assert checks(project.run("daily", "2024-01-16"))["schema_contract"].passed
