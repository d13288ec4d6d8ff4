"""Lineage in Dagster: exports depend on the tables of the source, and each column tells those that feed it."""

from typing import Any

import dagster as dg
import pytest

from export_pipelines.orchestration.build import build_defs
from export_pipelines_tests.orchestration.project import DAILY, MONTHLY, Project, materializations

DAY = "2024-01-15"
PARTIES = (
    DAILY.replace("outcome, price]", "outcome, price, email.domain, flow.name]")
    + "privacy: {email: redact}\n"
)
STREAM = """\
type: event
fields: [event_id, occurred_at, recipient.name]
stream:
  kinesis: {stream: acme-events, partition_key: event_id}
  from: now
"""
REPORT = """\
type: report
format: csv
metrics: [cost]
group_by: [state]
pivot: state
over: leads
partition: daily
start: 2024-01-01
"""


def deps(definitions: dg.Definitions, *key: str) -> set[str]:
    graph = definitions.resolve_asset_graph()
    return {parent.to_user_string() for parent in graph.get(dg.AssetKey(key)).parent_keys}


def lineage(metadata: Any) -> dict[str, list[str]]:
    return {
        name: [f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps]
        for name, deps in metadata["dagster/column_lineage"].deps_by_column.items()
    }


def test_an_export_depends_on_the_tables_that_it_reads(project: Project) -> None:
    project.write("daily", PARTIES)
    project.write("monthly", MONTHLY)
    definitions = project.definitions()
    assert deps(definitions, "lead", "daily") == {"source/leads", "source/flows"}
    assert deps(definitions, "lead", "monthly") == {"source/leads"}


def test_a_table_is_an_asset_that_nobody_here_makes(project: Project) -> None:
    graph = project.definitions().resolve_asset_graph()
    node = graph.get(dg.AssetKey(["source", "leads"]))
    assert node.is_external and not node.is_executable
    assert (node.group_name, node.kinds) == ("source", {"sqlite", "table"})
    assert node.metadata["dagster/table_name"] == "leads"
    columns = {column.name: column.description for column in node.metadata["dagster/column_schema"].columns}
    assert columns["email"] == "pii direct" and columns["price"] is None


def test_a_broken_export_has_no_tables_and_the_others_keep_theirs(project: Project) -> None:
    project.write("broken", "type: event\nformat: csv\nfields: [no_such_field]\n")
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert keys == {"lead/daily", "event/broken", "source/leads"}


def test_with_a_prefix_the_tables_are_the_projects_own(project: Project) -> None:
    definitions = build_defs(project.opened(), prefix="acme", deps={"daily": ["crm_sync"]})
    assert deps(definitions, "acme", "lead", "daily") == {"acme/source/leads", "crm_sync"}


def test_each_column_tells_its_columns_of_the_source_and_its_mask(project: Project) -> None:
    project.write("daily", PARTIES)
    metadata = materializations(project.run("daily", DAY))[DAY]
    assert lineage(metadata) == {
        "lead_id": ["source/leads.lead_id"],
        "submitted_at": ["source/leads.submitted_at"],
        "email": ["source/leads.email"],
        "outcome": ["source/leads.outcome"],
        "price": ["source/leads.price"],
        "email_domain": ["source/leads.email"],
        "flow_name": ["source/flows.name"],
    }
    columns = {column.name: column for column in metadata["dagster/column_schema"].columns}
    assert (columns["email"].description, columns["email"].tags) == (
        "pii direct, redact",
        {"pii": "direct", "mask": "redact"},
    )
    assert columns["price"].tags == {}


def test_the_columns_of_a_pivot_tell_those_of_its_metric(project: Project) -> None:
    project.write("states", REPORT)
    columns = lineage(materializations(project.run("states", DAY))[DAY])
    assert len(columns) > 1
    feeds = ["source/leads.outcome", "source/leads.purchase_price"]
    assert [sorted(each) for each in columns.values()] == [feeds] * len(columns)


@pytest.mark.filterwarnings("ignore")
def test_a_stream_depends_on_its_tables_and_tells_its_columns(project: Project) -> None:
    project.write("live", STREAM)
    definitions = project.definitions()
    assert deps(definitions, "event", "live") == {"source/events", "source/recipients"}
    metadata = definitions.resolve_asset_graph().get(dg.AssetKey(["event", "live"])).metadata
    assert lineage(metadata)["recipient.name"] == ["source/recipients.name"]
