"""The metrics, the alert rules and the dashboard: what Prometheus itself says of them, and that they name the same things."""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from export_pipelines import Project as OpenProject
from export_pipelines.ledger import Progress, RunLeases, Streams
from export_pipelines.ledger.run_leases import LEASE
from export_pipelines.ledger.streams import DeadRecord
from export_pipelines.orchestration import open_instance
from export_pipelines.service.gauges import FAILED, NAME, SPECS, Gauges
from export_pipelines.service.metrics import Metrics
from export_pipelines_servers.packages import unpacked_program
from export_pipelines_tests.conftest import NOW, REPOSITORY, Answer, Project
from export_pipelines_tests.orchestration.watching import turn_on
from export_pipelines_tests.status.test_status import STREAM

FOLDER = REPOSITORY / "deploy" / "prometheus"
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
HOUR = 3600


@pytest.fixture(scope="module")
def promtool() -> str:
    return unpacked_program("promtool", "prometheus")


def call(promtool: str, *words: str, stdin: bytes = b"") -> str:
    """What it says, where it finds nothing wrong."""
    done = subprocess.run([promtool, *words], input=stdin, capture_output=True, check=False)
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, text
    return text


def names() -> set[str]:
    """Of all metrics, as Prometheus has them."""
    counters = {
        f"{metric._name}_total" if metric._type == "counter" else metric._name
        for metric in vars(Metrics()).values()
        if hasattr(metric, "_type")
    }
    return counters | {f"{NAME}_{spec.name}" for spec in SPECS} | {f"{NAME}_{FAILED}"}


def used_in(expression: str) -> set[str]:
    return set(re.findall(rf"\b{NAME}_\w+", expression))


def expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.fixture
def scraped(project: Project, terminal: Callable[..., Answer]) -> bytes:
    """The metrics of a project with a run, a failed delivery, a late export and two streams, and nothing of them empty."""
    project.write("live", STREAM)
    project.write("idle", STREAM)
    (project.home / "keys").mkdir(parents=True)
    (project.home / "keys" / "audit_key").write_text("an audit key of a test, which is no secret")
    assert terminal("run", "daily", "--partition", "2024-02-01").code == 0
    assert terminal("audit", "checkpoint").code == 0
    opened = OpenProject.open(project.folder, dict(project.environment), lambda: NOW)
    streams = Streams(opened.ledger.engine, opened.ledger.locks)
    lease = streams._taken("live", "host 1 process 7", NOW - timedelta(minutes=1))
    dead = [DeadRecord(4, "65a5c2de973ceb3ffd0000c5", "over the limit", NOW)]
    lease.begin({}, NOW)
    lease.advance(
        Progress({}, 5, {"sent": 4, "bytes": 90, "late": 1}, NOW - timedelta(seconds=8), dead=dead), NOW
    )
    _take_leases(opened.ledger.engine)
    with open_instance(project.settings, project.folder, os.environ) as instance:
        turn_on(instance, "daily_schedule", NOW - timedelta(days=40))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Gauges(opened, instance))
        return generate_latest(Metrics().registry) + generate_latest(registry)


def _take_leases(engine: Any) -> None:
    """Two that live, one of them in the place of another run, and one that is overdue."""
    at = NOW - LEASE * 2
    leases = RunLeases(engine, lambda: at)
    leases.take("d", "d", "host:1")
    at = NOW
    for run_id, root in (("a", "a"), ("b", "a"), ("c", "c")):
        leases.take(run_id, root, "host:1")


def test_the_metrics_are_as_prometheus_wants_them(promtool: str, scraped: bytes) -> None:
    assert call(promtool, "check", "metrics", stdin=scraped) == ""
    families = {family.name: family for family in text_string_to_metric_families(scraped.decode())}
    values = {
        (name.removeprefix(f"{NAME}_"), *sample.labels.values()): sample.value
        for name, family in families.items()
        for sample in family.samples
    }
    assert values["failed_gauges",] == 0
    assert values["artifacts", "daily"] == 1 and values["rows", "daily"] == 10
    assert values["lag_seconds", "daily"] == 3 * 24 * HOUR
    assert values["late_seconds", "daily"] == 6.5 * HOUR
    assert values["deliveries", "delivered"] == 1
    assert values["runs", "started"] == values["backfills", "requested"] == values["failures",] == 0
    assert (values["run_leases", "live"], values["run_leases", "overdue"], values["runs_again",]) == (2, 1, 1)
    assert (values["stream_running", "live"], values["stream_running", "idle"]) == (1, 0)
    assert values["stream_lease_age_seconds", "live"] == 60 and values["stream_seen_age_seconds", "live"] == 0
    assert values["stream_newest_age_seconds", "live"] == 8
    assert (values["stream_records", "live"], values["stream_bytes", "live"]) == (4, 90)
    assert (values["stream_dead_letters", "live"], values["stream_dead_letters", "idle"]) == (1, 0)
    assert values["disk_free_bytes", "home"] < values["disk_size_bytes", "home"]
    assert values["audit_checkpoint_age_seconds",] == 0
    assert ("key_age_seconds", "AUDIT_KEY") in values
    silent = {"daemon_heartbeat_age_seconds", "ledger_clock_ahead_seconds"}  # no daemon, and SQLite
    assert {spec.name for spec in SPECS} - {key[0] for key in values} == silent


def test_a_gauge_that_cannot_be_asked_hides_no_other(
    project: Project, terminal: Callable[..., Answer]
) -> None:
    assert terminal("run", "daily", "--partition", "2024-02-01").code == 0
    with closing(sqlite3.connect(project.home / "ledger.db")) as connection:
        connection.execute("DROP TABLE checkpoints")
    opened = OpenProject.open(project.folder, dict(project.environment), lambda: NOW)
    with open_instance(project.settings, project.folder, os.environ) as instance:
        families = {family.name: family for family in Gauges(opened, instance).collect()}
    assert families[f"{NAME}_{FAILED}"].samples[0].value == 1
    assert f"{NAME}_audit_checkpoint_age_seconds" not in families
    assert len(families) == len(SPECS)


def test_the_rules_hold_for_prometheus(promtool: str) -> None:
    assert f"SUCCESS: {len(RULES)} rules found" in call(
        promtool, "check", "rules", str(FOLDER / "alerts.yaml")
    )
    call(promtool, "check", "config", "--syntax-only", str(FOLDER / "prometheus.yaml"))


def test_the_dashboard_asks_what_prometheus_can_answer(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    call(promtool, "check", "rules", str(tmp_path / "rules.yaml"))
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) == 23


def test_rules_and_dashboard_name_metrics_that_there_are() -> None:
    in_rules = {name for rule in RULES for name in used_in(rule["expr"])}
    on_dashboard = {name for text in expressions() for name in used_in(text)}
    assert in_rules | on_dashboard <= names()
    assert len(in_rules) >= 15 and len(on_dashboard) >= 20


def test_the_document_lists_every_metric_with_its_labels_and_every_alert() -> None:
    rows = re.findall(rf"^\| `({NAME}_\w+)` \|([^|]*)\|", OPERATIONS, re.MULTILINE)
    assert {name for name, _ in rows} == names()
    labels = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows}
    assert {spec.name: set(spec.labels) for spec in SPECS} == {
        spec.name: labels[f"{NAME}_{spec.name}"] for spec in SPECS
    }
    alerts = set(re.findall(r"^\| `(ExportPipelines\w+)` \|", OPERATIONS, re.MULTILINE))
    assert alerts == {rule["alert"] for rule in RULES}


SERIES = {  # values at minutes 0, 10, 20, ...: quiet first, then what the alert is about
    'up{job="export_pipelines"}': ("1 0", "ExportPipelinesServiceDown"),
    'export_pipelines_daemon_heartbeat_age_seconds{daemon="SENSOR"}': (
        "5 900",
        "ExportPipelinesDaemonSilent",
    ),
    'export_pipelines_run_leases{state="overdue"}': ("0 2", "ExportPipelinesLeaseOverdue"),
    "export_pipelines_runs_again": ("2 7", "ExportPipelinesWorkersLost"),
    "export_pipelines_failures": ("0 1", "ExportPipelinesRunsFailed"),
    'export_pipelines_late_seconds{export="daily"}': ("0 23000", "ExportPipelinesExportLate"),
    'export_pipelines_deliveries{state="failed"}': ("3 4", "ExportPipelinesDeliveryFailed"),
    "export_pipelines_delivery_wait_seconds": ("60 30000", "ExportPipelinesDeliveryWaiting"),
    'export_pipelines_stream_failing{stream="live"}': ("0 1", "ExportPipelinesStreamFailing"),
    'export_pipelines_stream_leases{stream="live"}': ("1 9", "ExportPipelinesStreamMoves"),
    'export_pipelines_stream_dead_letters{stream="live"}': ("0 2", "ExportPipelinesDeadLetters"),
    'export_pipelines_disk_free_bytes{place="home"}': ("5e9 5e8", "ExportPipelinesDiskShort"),
    'export_pipelines_key_age_seconds{key="HASH_KEY"}': ("100 40000000", "ExportPipelinesKeyOld"),
    "export_pipelines_audit_checkpoint_age_seconds": ("100 200000", "ExportPipelinesCheckpointOld"),
    "export_pipelines_ledger_clock_ahead_seconds": ("2 -40", "ExportPipelinesClockDiffers"),
    "export_pipelines_failed_gauges": ("0 1", "ExportPipelinesGaugesFail"),
}
TOGETHER = {  # alerts over two metrics
    "ExportPipelinesQueueStuck": {
        "export_pipelines_queue_wait_seconds": "5 900",
        'export_pipelines_runs{state="started"}': "0 0",
    },
    "ExportPipelinesStreamStopped": {
        'export_pipelines_stream_running{stream="live"}': "1 0",
        'export_pipelines_stream_paused{stream="live"}': "0 0",
    },
    "ExportPipelinesStreamSilent": {
        'export_pipelines_stream_seen_age_seconds{stream="live"}': "4 500",
        'export_pipelines_stream_running{stream="live"}': "1 1",
    },
}
QUIET = {  # the same, where nothing is wrong
    "ExportPipelinesQueueStuck": {
        "export_pipelines_queue_wait_seconds": "5 900",
        'export_pipelines_runs{state="started"}': "4 4",
    },
    "ExportPipelinesStreamStopped": {
        'export_pipelines_stream_running{stream="live"}': "1 0",
        'export_pipelines_stream_paused{stream="live"}': "0 1",
    },
}


def held(values: str) -> str:
    """Two values, each for ten minutes, as promtool writes them for an interval of a minute."""
    before, after = values.split()
    return f"{before}x10 {after}x10" if values else ""


def case(alert: str, series: dict[str, str], fires: bool) -> dict[str, Any]:
    """Fires after what was wrong for ten minutes, and not before."""
    written = [{"series": name, "values": held(values)} for name, values in series.items()]
    return {
        "interval": "1m",
        "input_series": written,
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                "eval_time": at,
                "exp_samples": result,
            }
            for at, result in (("9m", []), ("21m", [{"labels": "{}", "value": 1}] if fires else []))
        ],
    }


def test_each_alert_fires_when_it_should_and_not_before(promtool: str, tmp_path: Path) -> None:
    cases = [case(alert, {name: values}, True) for name, (values, alert) in SERIES.items()]
    cases += [case(alert, series, True) for alert, series in TOGETHER.items()]
    cases += [case(alert, series, False) for alert, series in QUIET.items()]
    tested = {alert for _, alert in SERIES.values()} | set(TOGETHER)
    assert {rule["alert"] for rule in RULES} - tested == {"ExportPipelinesDiskFills"}  # six hours
    text = {"rule_files": [str(FOLDER / "alerts.yaml")], "evaluation_interval": "1m", "tests": cases}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(text))
    assert "SUCCESS" in call(promtool, "test", "rules", str(tmp_path / "tests.yaml"))
