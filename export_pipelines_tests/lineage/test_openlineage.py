"""Events of runs at a real server: whole by the specification, without a value of a row, and never in a run's way."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from export_pipelines.lineage import sender
from export_pipelines.lineage.openlineage import PRODUCER, sender_to
from export_pipelines.lineage.places import Places
from export_pipelines_tests.cli.answers import Terminal
from export_pipelines_tests.conftest import DAILY, Project
from export_pipelines_tests.lineage.receiver import LineageServer, lineage_server
from export_pipelines_tests.run.whole_run import sample_url

SILENCE_S = 60.0
RUN = ("run", "daily", "--partition", "2024-01-15")
PRIVATE = DAILY.replace("state, revenue]", "state, revenue, first_name, phone_1.area]").replace(
    "{email: mask}", "{email: hash, first_name: keep}"
)

# What the specification demands (OpenLineage 2-0-2 and its facets), written down by hand.
TEXT, TIME, URI = (
    {"type": "string"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "uri"},
)
FACET = {"required": ["_producer", "_schemaURL"], "properties": {"_producer": URI, "_schemaURL": URI}}


def facet(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"allOf": [FACET, {"type": "object", "required": required, "properties": properties}]}


def objects(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


TRANSFORMATION = objects(["type"], type={"enum": ["DIRECT", "INDIRECT"]}, subtype=TEXT, description=TEXT, masking={"type": "boolean"})  # fmt: skip
INPUT_FIELD = objects(["namespace", "name", "field"], namespace=TEXT, name=TEXT, field=TEXT, transformations={"type": "array", "items": TRANSFORMATION})  # fmt: skip
LINEAGE = facet(["fields"], fields={"type": "object", "additionalProperties": objects(["inputFields"], inputFields={"type": "array", "items": INPUT_FIELD})})  # fmt: skip
SCHEMA = facet(
    [], fields={"type": "array", "items": objects(["name"], name=TEXT, type=TEXT, description=TEXT)}
)
COUNT = {"type": "integer"}
STATISTICS = facet([], rowCount=COUNT, size=COUNT, fileCount=COUNT)
DATASET = objects(["namespace", "name"], namespace=TEXT, name=TEXT, facets=objects([], schema=SCHEMA, columnLineage=LINEAGE, version=facet(["datasetVersion"], datasetVersion=TEXT)), outputFacets=objects([], outputStatistics=STATISTICS))  # fmt: skip
RUN_FACETS = objects([], nominalTime=facet(["nominalStartTime"], nominalStartTime=TIME, nominalEndTime=TIME), errorMessage=facet(["message", "programmingLanguage"], message=TEXT, programmingLanguage=TEXT))  # fmt: skip
EVENT = objects(
    ["eventTime", "producer", "schemaURL", "run", "job"],
    eventTime=TIME,
    producer=URI,
    schemaURL=URI,
    eventType={"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
    run=objects(["runId"], runId={"type": "string", "format": "uuid"}, facets=RUN_FACETS),
    job=objects(["namespace", "name"], namespace=TEXT, name=TEXT, facets=objects([], jobType=facet(["processingType", "integration"]))),
    inputs={"type": "array", "items": DATASET},
    outputs={"type": "array", "items": DATASET},
)  # fmt: skip
VALIDATOR = jsonschema.Draft202012Validator(EVENT, format_checker=jsonschema.FormatChecker())


@pytest.fixture
def server() -> Iterator[LineageServer]:
    with lineage_server() as server:
        yield server


@pytest.fixture
def observed(project: Project, server: LineageServer) -> Project:
    project.environment["EXPORT_PIPELINES_OPENLINEAGE_URL"] = server.url
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = "a key that is no secret, of 32 bytes and more"
    return project


def require_valid(events: list[dict[str, Any]]) -> None:
    assert [[error.message for error in VALIDATOR.iter_errors(event)] for event in events] == [[]] * len(
        events
    )


def test_a_run_gives_a_start_and_a_complete_event_with_schema_and_column_lineage(
    terminal: Terminal, observed: Project, server: LineageServer
) -> None:
    observed.write("daily", PRIVATE)
    answer = terminal(*RUN)
    assert answer.code == 0, answer.stderr
    start, complete = server.events
    require_valid(server.events)
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == complete["run"]["runId"] and complete["producer"] == PRODUCER
    assert complete["job"]["name"] == "daily"
    times = complete["run"]["facets"]["nominalTime"]
    assert (times["nominalStartTime"], times["nominalEndTime"]) == (
        "2024-01-15T00:00:00.000Z",
        "2024-01-16T00:00:00.000Z",
    )
    (table,) = start["inputs"]
    source = observed.environment["EXPORT_PIPELINES_SOURCE_URL"].removeprefix("sqlite:///")
    assert (table["namespace"], table["name"]) == (f"sqlite://{source}", "leads")
    read = {field["name"] for field in table["facets"]["schema"]["fields"]}
    assert read == {"lead_id", "submitted_at", "email", "state", "price", "first_name", "phone_1"}
    (output,) = complete["outputs"]
    assert (output["namespace"], output["name"]) == ("file", str(observed.home / "artifacts" / "daily"))
    artifact = output["facets"]["version"]["datasetVersion"]
    manifest = json.loads((observed.home / "artifacts" / artifact / "manifest.json").read_text())
    statistics = output["outputFacets"]["outputStatistics"]
    assert [statistics[name] for name in ("rowCount", "size", "fileCount")] == [
        manifest["rows"], manifest["bytes"], len(manifest["parts"]),
    ]  # fmt: skip
    names = [column["name"] for column in manifest["columns"]]
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == names
    lineage = output["facets"]["columnLineage"]["fields"]
    assert set(lineage) == set(names)
    told = {
        name: [(field["field"], step["subtype"], step["masking"]) for field in fields["inputFields"] for step in field["transformations"]]
        for name, fields in lineage.items()
    }  # fmt: skip
    assert told["lead_id"] == [("lead_id", "IDENTITY", False)]
    assert told["email"] == [("email", "TRANSFORMATION", True)]
    assert told["phone_1_area"] == [("phone_1", "TRANSFORMATION", False)]
    assert told["revenue"] == [("price", "IDENTITY", False)]


def test_no_event_has_a_value_of_a_row(terminal: Terminal, observed: Project, server: LineageServer) -> None:
    observed.write("daily", PRIVATE)
    terminal(*RUN)
    source = observed.environment["EXPORT_PIPELINES_SOURCE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(source) as connection:
        rows = connection.execute("SELECT lead_id, email, phone_1, first_name FROM leads").fetchall()
    values = {str(value) for row in rows for value in row if value and len(str(value)) > 3}
    told = json.dumps(server.events)
    assert len(server.events) == 2 and not [
        value for value in values if f'"{value}' in told or f'{value}"' in told
    ]
    assert [value for value in values if "@" in value and value in told] == []


def test_a_run_that_fails_says_so_and_no_more_than_the_kind_of_error(
    terminal: Terminal, project: Project, observed: Project, server: LineageServer, tmp_path: Path
) -> None:
    url = sample_url(tmp_path, 20)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE leads SET price = 'canary@example.com' WHERE rowid = 7")
    observed.environment["EXPORT_PIPELINES_SOURCE_URL"] = url
    assert terminal(*RUN).code == 1
    fail = server.events[-1]
    require_valid(server.events)
    assert fail["eventType"] == "FAIL" and fail["outputs"] == []
    assert fail["run"]["facets"]["errorMessage"]["message"] == "data: DataError"
    assert "canary" not in json.dumps(server.events)


def test_a_report_with_a_pivot_tells_the_columns_that_it_has_in_the_end(
    terminal: Terminal, observed: Project, server: LineageServer
) -> None:
    yaml = "type: report\nformat: csv\nmetrics: [cost]\ngroup_by: [state]\npivot: state\nover: leads\npartition: daily\n"
    observed.write("states", yaml)
    answer = terminal("run", "states", "--partition", "2024-01-15")
    assert answer.code == 0, answer.stderr
    require_valid(server.events)
    lineage = server.events[-1]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert len(lineage) > 2
    for fields in lineage.values():
        assert {field["field"] for field in fields["inputFields"]} == {"purchase_price", "outcome"}
        assert {step["subtype"] for field in fields["inputFields"] for step in field["transformations"]} == {
            "AGGREGATION"
        }


def test_the_key_goes_along_as_a_bearer_token(
    terminal: Terminal, observed: Project, server: LineageServer
) -> None:
    observed.environment["EXPORT_PIPELINES_OPENLINEAGE_KEY"] = "a-token"
    assert terminal(*RUN).code == 0
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer a-token"}


@pytest.mark.parametrize("status", [500, 404, 301])
def test_a_server_that_refuses_fails_no_run(terminal: Terminal, project: Project, status: int) -> None:
    with lineage_server(status) as server:
        project.environment["EXPORT_PIPELINES_OPENLINEAGE_URL"] = server.url
        assert terminal(*RUN).code == 0


def test_nobody_at_the_port_fails_no_run(terminal: Terminal, project: Project) -> None:
    with lineage_server() as server:
        url = server.url
    project.environment["EXPORT_PIPELINES_OPENLINEAGE_URL"] = url
    assert terminal(*RUN).code == 0


def test_a_server_that_does_not_answer_fails_no_run_and_is_not_waited_for(
    terminal: Terminal, project: Project
) -> None:
    with lineage_server(delay_s=SILENCE_S) as server:
        project.environment["EXPORT_PIPELINES_OPENLINEAGE_URL"] = server.url
        started = time.monotonic()
        for day in ("2024-01-15", "2024-01-16"):
            assert terminal("run", "daily", "--partition", day).code == 0
        assert time.monotonic() - started < SILENCE_S and server.events == []


def test_one_wait_ends_after_seconds_and_the_next_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "WAIT_S", 0.5)
    silent = threading.Event()
    queue = sender.Sender[object](lambda _: silent.wait())
    seconds = []
    for number in range(2):
        queue.put(number)
        started = time.monotonic()
        queue.wait()
        seconds.append(time.monotonic() - started)
    silent.set()
    assert seconds[0] >= 0.5 > seconds[1]


def test_events_come_in_order_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MOST", 3)
    sent, open_door = list[object](), list[Callable[[], None]]()

    def send(event: object) -> None:
        while not open_door:
            time.sleep(0.01)
        sent.append(event)

    queue = sender.Sender[object](send)
    for number in range(10):
        queue.put(number)
        time.sleep(0.02 if number == 0 else 0)
    open_door.append(lambda: None)
    queue.wait()
    assert sent == [0, 7, 8, 9]


@pytest.mark.parametrize("url", ["marquez:5000", "ftp://marquez", "http://user:word@marquez:5000", "http://"])
def test_a_wrong_url_is_one_error_before_the_run(terminal: Terminal, project: Project, url: str) -> None:
    project.environment["EXPORT_PIPELINES_OPENLINEAGE_URL"] = url
    answer = terminal(*RUN)
    assert answer.code == 2 and "EXPORT_PIPELINES_OPENLINEAGE_URL" in answer.stderr
    assert "word" not in answer.stderr.replace("password", "") and not (project.home / "artifacts").exists()


@pytest.mark.parametrize(
    ("source", "store", "expected"),
    [
        ("postgresql://me:word@db:6432/crm", "s3://bucket/exports", ("postgres://db:6432", "crm.public.leads", "s3://bucket", "exports/daily")),
        ("mysql://me:word@db/crm", "s3://bucket", ("mysql://db:3306", "crm.leads", "s3://bucket", "daily")),
        ("sqlite:////var/leads.db", "/var/artifacts", ("sqlite:///var/leads.db", "leads", "file", "/var/artifacts/daily")),
        ("duckdb:////var/leads.db", "file:///var/artifacts/", ("duckdb:///var/leads.db", "leads", "file", "/var/artifacts/daily")),
    ],
)  # fmt: skip
def test_datasets_are_named_as_openlineage_names_them(
    source: str, store: str, expected: tuple[str, ...]
) -> None:
    places = Places(source, store)
    assert (places.source, places.table("leads"), places.store, places.export("daily")) == expected
    assert "word" not in "".join(expected)


def test_a_process_has_one_sender_for_a_server() -> None:
    assert sender_to("http://127.0.0.1:1", None) is sender_to("http://127.0.0.1:1", None)
