import logging
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from dagster._core.definitions.utils import DISALLOWED_NAMES

from export_pipelines.definition.reserved_names import DAGSTERS, OWN, taken_by
from export_pipelines.orchestration.build import build_definitions, definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.project import Project as Opened
from export_pipelines_tests.orchestration.project import BROKEN, DAILY, MONTHLY, WEEKLY, Project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shipped(tmp_path: Path) -> dg.Definitions:
    return build_definitions(Opened.open(ROOT, {"EXPORT_PIPELINES_HOME": str(tmp_path)}))


def asset(definitions: dg.Definitions, *key: str) -> dg.AssetsDefinition:
    return definitions.resolve_assets_def(dg.AssetKey(key))


def test_the_shipped_exports_load_and_validate(shipped: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(shipped)
    keys = {key.to_user_string() for key in shipped.resolve_asset_graph().get_all_asset_keys()}
    leads = {"lead/daily_lead_backup", "lead/monthly_financial_summary", "lead/pii_free_analytics"}
    events = {"event/dispute_resolution", "event/weekly_performance_extract"}
    events |= {"event/event_archive", "event/live_recipient_events"}  # streams
    reports = {"report/daily_source_quality", "report/monthly_revenue_by_recipient"}
    tables = {f"source/{table}" for table in ("events", "flows", "leads", "recipients", "sources")}
    assert keys == leads | events | reports | tables


def test_loading_opens_nothing_and_writes_nothing(tmp_path: Path) -> None:
    project = Opened.open(ROOT, {"EXPORT_PIPELINES_HOME": str(tmp_path / "home")})
    dg.Definitions.validate_loadable(build_definitions(project))
    assert not (tmp_path / "home").exists()


def test_the_graph_of_an_export_is_the_eight_ops_in_order(project: Project) -> None:
    graph = asset(project.definitions(), "lead", "daily").node_def
    assert isinstance(graph, dg.GraphDefinition)
    order = ["extract", "filter", "project_fields", "mask_pii", "serialize", "compress", "write", "deliver"]
    assert [node.name for node in graph.nodes_in_topological_order] == order


def test_the_asset_tells_group_kinds_owner_and_where_its_file_is(project: Project) -> None:
    spec = asset(project.definitions(), "lead", "daily").get_asset_spec()
    assert (spec.group_name, spec.kinds, list(spec.owners)) == (
        "lead",
        {"sqlite", "csv", "folder"},
        ["team:operations"],
    )
    assert spec.description == "Leads of a day" and spec.tags["export/source"] == "sqlite"
    (reference,) = spec.metadata["dagster/code_references"].code_references
    assert Path(reference.file_path).read_text(encoding="utf-8") == DAILY


@pytest.mark.parametrize(
    ("text", "first", "kind"),
    [
        (DAILY, "2024-01-01", dg.DailyPartitionsDefinition),
        (WEEKLY, "2024-01-07", dg.WeeklyPartitionsDefinition),
        (MONTHLY, "2020-01-01", dg.MonthlyPartitionsDefinition),
    ],
)
def test_partitions_begin_at_the_first_boundary_in_utc(
    project: Project, text: str, first: str, kind: type
) -> None:
    project.write("one", text.replace("backup", "one"))
    partitions = asset(project.definitions(), "lead", "one").partitions_def
    assert isinstance(partitions, kind) and isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    assert partitions.timezone == "UTC"
    assert partitions.get_first_partition_key() == first


def test_a_backfill_takes_a_quarter_of_days_in_one_run(project: Project) -> None:
    assert asset(project.definitions(), "lead", "daily").backfill_policy == dg.BackfillPolicy.multi_run(92)


def test_steps_run_in_one_process(project: Project) -> None:
    assert project.definitions().resolve_job_def("daily").executor_def is dg.in_process_executor


def test_there_is_one_job_for_each_export_and_one_on_demand(project: Project) -> None:
    project.write("monthly", MONTHLY)
    names = {job.name for job in project.definitions().resolve_all_job_defs()}
    assert names >= {"daily", "monthly", "on_demand_export"}


def test_a_hundred_exports_load_with_their_shared_ops(project: Project) -> None:
    for number in range(100):
        project.write(
            f"export_{number}", DAILY.replace("backup", f"backup_{number}").replace("schedule", "# ")
        )
    dg.Definitions.validate_loadable(project.definitions())


# --- broken definitions --------------------------------------------------------------------------------------


def test_a_broken_definition_is_shown_and_the_others_load(project: Project) -> None:
    project.write("wrong", BROKEN)
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    shown = asset(definitions, "lead", "wrong").get_asset_spec()
    assert shown.group_name == "lead" and 'did you mean "email"?' in str(shown.description)
    (reference,) = shown.metadata["dagster/code_references"].code_references
    assert Path(reference.file_path).name == "wrong.yaml" and reference.line_number == 3
    assert asset(definitions, "lead", "daily")


@pytest.mark.parametrize("name", [*sorted(OWN | DAGSTERS), "folder_1", "s3_12", "lead__daily"])
def test_a_name_that_the_program_itself_has_in_dagster_breaks_its_file_alone(
    project: Project, name: str
) -> None:
    project.write(name, DAILY)
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    assert "rename the file" in str(asset(definitions, "broken", name).get_asset_spec().description)
    assert asset(definitions, "lead", "daily")


def test_every_name_of_the_program_itself_is_known(project: Project) -> None:
    location = CodeLocation(project.opened(), deps={"daily": [dg.AssetKey("before")]})
    repository = definitions_of(location).get_repository_def()
    jobs = repository.get_all_jobs()
    nodes = {node.name for job in jobs for node in job.all_node_defs}
    own = {*repository.job_names, *nodes, *(sensor_def.name for sensor_def in repository.sensor_defs)}
    assert own - {"__ASSET_JOB"} == OWN | {"daily", *filter(taken_by, nodes)}  # no export can be named so
    assert set(DISALLOWED_NAMES) == DAGSTERS
    assert {schedule_def.name for schedule_def in repository.schedule_defs} == {
        "daily_schedule",
        "sweep_schedule",
    }


@pytest.mark.parametrize(
    "name",
    ["sweep_schedule", "lead", "broken", "export", "none", "folder", "daily_schedule", "folder_1_a", "a__b"],
)
def test_any_other_name_is_taken(project: Project, name: str) -> None:
    project.write(name, DAILY.replace("backup", name))
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    assert asset(definitions, "lead", name) and asset(definitions, "lead", "daily")


def test_a_calendar_that_ends_breaks_its_file_alone(project: Project) -> None:
    project.write(
        "far",
        WEEKLY.replace("2024-01-01", "9999-12-31") if "start:" in WEEKLY else WEEKLY + "start: 9999-12-31\n",
    )
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    assert "before 9000-01-01" in str(asset(definitions, "lead", "far").get_asset_spec().description)
    assert asset(definitions, "lead", "daily")


def test_materializing_a_broken_definition_fails_with_its_faults(project: Project) -> None:
    project.write("wrong", BROKEN)
    result = dg.materialize(
        [asset(project.definitions(), "lead", "wrong")], raise_on_error=False, run_config=_quiet()
    )
    (event,) = (event for event in result.all_events if event.is_step_failure)
    failure = event.step_failure_data.user_failure_data
    assert failure and "wrong.yaml:3: " in str(failure.description)


def test_broken_files_whose_names_look_alike_in_dagster_stand_side_by_side(project: Project) -> None:
    for name in ("a-b", "a.b", "a b", "é", "x" * 200):
        project.write(name, BROKEN)
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert {"broken/a_b", "broken/a_b_2", "broken/a_b_3", "broken/_", "lead/daily"} <= keys


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("daily at 02:00", 24),
        ("weekly on monday", 7 * 24),
        ("monthly on 2", 31 * 24),
        ("0 2 * * 1-5", 3 * 24),
    ],
)
def test_an_export_is_stale_when_its_schedule_brought_nothing(
    project: Project, schedule: str, hours: int
) -> None:
    project.write("one", f"type: lead\nformat: csv\nfields: [lead_id]\nschedule: {schedule}\n")
    policy = asset(project.definitions(), "lead", "one").get_asset_spec().freshness_policy
    assert isinstance(policy, TimeWindowFreshnessPolicy) and policy.warn_window
    warn = policy.warn_window.to_timedelta() - timedelta(hours=6)
    assert warn == timedelta(hours=hours)
    assert policy.fail_window.to_timedelta() == warn + timedelta(days=1)


def test_an_export_by_hand_is_never_stale(project: Project) -> None:
    project.write("hand", "type: lead\nformat: csv\nfields: [lead_id]\n")
    assert asset(project.definitions(), "lead", "hand").get_asset_spec().freshness_policy is None


def test_all_kinds_of_destinations_are_kinds_of_the_asset(project: Project) -> None:
    project.write(
        "many",
        DAILY.replace(
            '  - folder: {path: "backup/{{date}}"}\n',
            '  - folder: {path: "many/{{date}}"}\n  - s3: {bucket: acme, key: "x/{{date}}/"}\n'
            '  - sftp: {host: a.example.com, user: u, password: {env: P}, path: "x/{{date}}"}\n  - email: {to: [a@example.com]}\n'
            '  - webhook: {url: "https://a.example.com/x"}\n',
        ),
    )
    kinds = asset(project.definitions(), "lead", "many").get_asset_spec().kinds
    assert kinds == {"sqlite", "csv", "folder", "s3", "sftp", "email", "webhook"}


def test_a_broken_definition_is_logged_once(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    project.write("wrong", BROKEN)
    with caplog.at_level(logging.WARNING, logger="export_pipelines"):
        build_definitions(project.opened())
    assert caplog.text.count("wrong.yaml:3: ") == 1


def _quiet() -> dict[str, object]:
    from export_pipelines.orchestration.jobs import QUIET

    return dict(QUIET)
