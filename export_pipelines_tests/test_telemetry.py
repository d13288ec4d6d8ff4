"""Traces reach a collector that speaks OTLP, without a value of anybody; without the option nothing is imported; a collector
that hangs delays nothing by more than two seconds."""

import hashlib
import json
import sys
import time
from typing import Any

import pytest

from export_pipelines.errors import SettingsError
from export_pipelines.telemetry import FLUSH_S, trace_as_asked
from export_pipelines_servers.collector import CollectedSpan, collector
from export_pipelines_servers.free_port import free_port
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.shell import call, environment, in_process

STAGES = ("extract", "mask", "encode", "store")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TWO = """\
type: lead
format: csv
fields: [lead_id, email, phone_1]
partition: daily
start: 2024-01-01
privacy: {email: mask, phone_1: hash}
deliver:
  - folder: {path: "{{export}}/{{date}}"}
  - folder: {path: "taken/{{date}}"}
"""


def named(span: CollectedSpan) -> dict[str, Any]:
    """The program's own attributes."""
    prefix = "export_pipelines."
    return {
        name.removeprefix(prefix): value for name, value in span.attributes.items() if name.startswith(prefix)
    }


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Any:
    """The spans of one run of two partitions, whose second destination takes nothing."""
    folder = tmp_path_factory.mktemp("traced")
    project = Project(
        folder, {"EXPORT_PIPELINES_HOME": str(folder / "home"), "EXPORT_PIPELINES_SOURCE_URL": store_url}
    )
    (folder / "exports").mkdir()
    project.write("two", TWO)
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = "a hash key of a test, which is no secret"
    (folder / "home" / "delivered").mkdir(parents=True)
    (folder / "home" / "delivered" / "taken").write_text("a file where the folder has to be")
    with collector() as receiving:
        project.environment[ENDPOINT] = receiving.url
        project.environment["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=test"
        ran = in_process(project, "run", "two", "--partition", "2024-01-15", "--json")
    assert ran.returncode == 1, ran.stderr
    return project, receiving, ran


def test_a_run_its_stages_and_each_delivery_are_spans_of_one_trace(gathered: Any) -> None:
    _, receiving, _ = gathered
    (run,) = receiving.named("run")
    assert (run.parent, run.has_failed) == ("", False)
    run_id = named(run)["run_id"]
    assert run.trace == hashlib.sha256(run_id.encode()).digest()[:16].hex()
    assert {span.trace for span in receiving.spans} == {run.trace}
    assert {key: named(run)[key] for key in ("export", "window", "rows", "parts")} == {
        "export": "two",
        "window": "2024-01-15",
        "rows": 10,
        "parts": 1,
    }
    for stage in STAGES:
        (span,) = receiving.named(stage)
        assert span.parent == run.id
        assert run.began_ns <= span.began_ns <= span.ended_ns <= run.ended_ns
        assert named(span)["rows"] == 10 and named(span)["batches"] >= 1 and named(span)["busy_seconds"] >= 0
    first, *others = receiving.named("deliver")
    assert named(first) | {"delivery": "", "artifact": "", "run_id": ""} == {
        "delivery": "",
        "artifact": "",
        "run_id": "",
        "export": "two",
        "window": "2024-01-15",
        "kind": "folder",
        "destination": 1,
        "attempt": 1,
        "files": 2,  # with the list of files
        "bytes": named(run)["bytes"],
    }
    assert not first.has_failed
    assert others and all(span.has_failed and named(span)["destination"] == 2 for span in others)
    assert {span.attributes["error.type"] for span in others} == {"store"}
    assert {span.resource["service.name"] for span in receiving.spans} == {"export_pipelines"}
    assert {span.resource["deployment.environment.name"] for span in receiving.spans} == {"test"}


def test_deliveries_beside_the_writing_are_spans_and_records_of_their_run(project: Project) -> None:
    """The thread that delivers has what its op has."""
    project.write(
        "two", TWO.replace("privacy: {email: mask, phone_1: hash}\n", "").rpartition("  - folder")[0]
    )
    project.environment["EXPORT_PIPELINES_LOG"] = "json"
    with collector() as receiving:
        project.environment[ENDPOINT] = receiving.url
        ran = in_process(project, "backfill", "two", "--from", "2024-01-15", "--to", "2024-01-18")
    assert ran.returncode == 0, ran.stderr
    deliveries, runs = receiving.named("deliver"), receiving.named("run")
    assert sorted(named(span)["window"] for span in deliveries) == [f"2024-01-{day}" for day in range(15, 19)]
    assert len({named(span)["run_id"] for span in (*deliveries, *runs)}) == 1
    assert len({span.trace for span in receiving.spans}) == 1
    assert not any(span.has_failed for span in deliveries)
    records = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    finished = [record for record in records if record["event"] == "delivery finished"]
    assert len(finished) == 4 and {record["run"] for record in finished} == {named(runs[0])["run_id"]}


def test_no_span_has_a_value_of_anybody_or_a_place(gathered: Any) -> None:
    project, receiving, _ = gathered
    (folder,) = (project.home / "artifacts" / "two" / "2024-01-15").iterdir()
    (part,) = folder.glob("*.csv")
    cells = {cell for line in part.read_text().splitlines()[1:] for cell in line.split(",") if cell}
    assert len(cells) > 20
    text = json.dumps([[span.name, dict(span.attributes), dict(span.resource)] for span in receiving.spans])
    assert not [cell for cell in cells if cell in text]
    assert str(project.folder) not in text and "taken" not in text and "a hash key" not in text
    assert all(span.events == 0 for span in receiving.spans)  # where exceptions with their texts would be


def test_without_the_option_nothing_is_imported(project: Project) -> None:
    code = (
        "import atexit, sys\nsys.argv = ['export-pipelines', 'run', 'daily', '--partition', '2024-01-15']\n"
        "from export_pipelines.cli.app import main\n"
        "atexit.register(lambda: print('\\nloaded', *(name for name in sys.modules if name.startswith('opentelemetry'))))\n"
        "main()"
    )
    assert call(project, ["-c", code]).stdout.splitlines()[-1] == "loaded"


def test_a_collector_that_hangs_loses_its_spans_and_two_seconds_at_most(project: Project) -> None:
    """From the end of the command to that of its process; until then spans only wait in a queue."""
    code = (
        "import sys, time\nsys.argv = ['export-pipelines', 'run', 'daily', '--partition', '2024-01-15']\n"
        "from export_pipelines.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, time.time(), flush=True)\n"
    )
    with collector(hangs=True) as receiving:
        project.environment[ENDPOINT] = receiving.url
        with Process(["-c", code], project.folder, environment(project)) as process:
            out, _ = process.communicate()
            now = time.time()
    status, moment = out.splitlines()[-1].split()
    assert (status, receiving.requests, receiving.spans) == ("0", 1, [])
    # a busy machine ends it later; left to itself, the exporter would wait for ten seconds
    assert FLUSH_S - 0.1 <= now - float(moment) < FLUSH_S + 5


def test_a_collector_that_is_away_fails_no_run(project: Project) -> None:
    project.environment[ENDPOINT] = f"http://127.0.0.1:{free_port()}"
    project.environment["EXPORT_PIPELINES_LOG"] = "json"
    ran = in_process(project, "run", "daily", "--partition", "2024-01-15")
    assert ran.returncode == 0
    assert all(json.loads(line)["at"] for line in ran.stderr.splitlines())


def test_an_endpoint_without_the_libraries_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError) as told:
        trace_as_asked({ENDPOINT: "http://127.0.0.1:4318"})
    assert str(told.value) == (
        f"{ENDPOINT}: the library opentelemetry-sdk is not installed (pip install 'export-pipelines[telemetry]')"
    )
    trace_as_asked({ENDPOINT: ""})
    trace_as_asked({ENDPOINT: "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"})
