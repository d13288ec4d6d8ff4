"""The other resources: definitions, fields, checks, previews, estimates, artifacts, deliveries, health, metrics; and
`Project.remote`, which asks them."""

import time
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from export_pipelines import Project, errors
from export_pipelines_tests.service.conftest import AD_HOC
from export_pipelines_tests.service.serving import Served


def test_definitions_fields_and_the_schema_are_listed(served: Served) -> None:
    assert [item["name"] for item in served.ask("GET", "/definitions").json()] == ["daily", "personal"]
    fields = served.ask("GET", "/fields?dataset=leads", "vic").json()
    assert {"lead_id", "email"} <= {field["id"] for field in fields}
    assert served.ask("GET", "/fields?dataset=lead").json()["errors"][0]["parameter"] == "dataset"
    assert served.ask("GET", "/fields?dataset=metrics").json()[0]["metric"]
    assert served.ask("GET", "/schema").json()["title"] == "Export definition"


def test_contracts_are_shown_where_definitions_checks_and_artifacts_are(
    served: Served, daily: dict[str, Any]
) -> None:
    (definition, _) = served.ask("GET", "/definitions").json()
    assert (definition["contract"], definition["version"], definition["for"]) == ("additive", 1, [])
    assert definition["recipes"] == []
    artifact = served.ask("GET", "/artifacts?export=daily").json()[0]
    assert (artifact["version"], artifact["recipes"]) == (1, [])
    body = {"export": "daily", "partition": "2024-01-13"}
    contract = served.ask("POST", "/check", json=body).json()["contract"]
    assert (contract["allows"], contract["version"], contract["none_because"]) == ("additive", 1, None)
    assert contract["before"].startswith("daily/") and contract["breaking"] == []
    path = served.project.settings.definitions / "daily.yaml"
    before = path.read_text()
    path.write_text(before.replace("format: csv", "format: {csv: {header: labels}}"))
    try:
        deadline = time.monotonic() + 60
        while not contract["breaking"] and time.monotonic() < deadline:
            time.sleep(0.1)
            contract = served.ask("POST", "/check", json=body).json()["contract"]
    finally:
        path.write_text(before)
    assert "renamed: lead_id is Lead ID now" in contract["breaking"]
    ad_hoc = served.ask("POST", "/check", "ana", json=AD_HOC).json()["contract"]
    assert ad_hoc["before"] is None and ad_hoc["none_because"]


def test_a_new_definition_is_seen_without_a_restart(served: Served) -> None:
    path = served.project.settings.definitions / "new_one.yaml"
    path.write_text("type: lead\nformat: csv\nowner: boss\nfields: [lead_id]\npartition: daily\n")
    try:
        deadline = time.monotonic() + 60
        names: list[str] = []
        while "new_one" not in names and time.monotonic() < deadline:
            time.sleep(0.1)
            names = [item["name"] for item in served.ask("GET", "/definitions").json()]
        assert "new_one" in names
    finally:
        path.unlink()


def test_an_export_is_checked_previewed_and_estimated_before_it_is_asked_for(served: Served) -> None:
    checked = served.ask("POST", "/check", "ana", json=AD_HOC).json()
    assert checked["columns"] == ["lead_id", "email", "state"]
    assert checked["narrowed"] == ["email: hash instead of keep"]
    first = served.ask("POST", "/preview?rows=3", "ana", json=AD_HOC).json()
    assert len(first["rows"]) == 3
    assert not any("@" in cell for row in first["rows"] for cell in row)
    assert [column["mask"] for column in first["columns"]] == [None, "hash", None]
    expected = served.ask("POST", "/estimate", "ana", json=AD_HOC).json()
    assert (expected["rows"], expected["is_within_limits"]) == (70, True)
    assert (
        served.ask("POST", "/check", "ana", json=AD_HOC | {"fields": ["emial"]}).json()["errors"][0][
            "pointer"
        ]
        == "/fields/0"
    )


def test_a_delivery_is_tried_again(served: Served) -> None:
    made = served.made({**AD_HOC, "deliver": [{"folder": {"path": "again/{{key}}"}}]})
    assert made["status"] == "complete", made
    (sent,) = served.ask("GET", f"/deliveries?artifact={made['artifact']}").json()
    assert (sent["state"], sent["receipt"]["artifact"]) == ("delivered", made["artifact"])
    arrived = served.ask("POST", f"/deliveries/{sent['id']}/retry")
    assert (arrived.status_code, arrived.json()["code"]) == (422, "delivered")
    again = served.ask("POST", f"/deliveries/{sent['id']}/retry", json={"again": True})
    assert again.status_code == 202
    assert (
        served.ask("POST", f"/deliveries/{sent['id']}/retry", "ana", json={"again": True}).status_code == 404
    )
    assert served.ask("GET", "/deliveries", "ana").json() == []


def test_health_says_nothing_and_ready_looks_at_all(served: Served) -> None:
    assert requests.get(f"{served.url}/health", timeout=10).json() == {"status": "ok"}
    ready = requests.get(f"{served.url}/ready", timeout=10)
    assert ready.json()["checks"]["ledger"] == ready.json()["checks"]["store"] == "ok"
    assert (ready.status_code == 200) == (ready.json()["status"] == "ready")


def test_metrics_are_prometheus_text(served: Served, daily: dict[str, Any]) -> None:
    served.ask("GET", daily["files"][0]["url"])
    text = served.ask("GET", "/metrics", "vic").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    rows = {sample.labels["export"]: sample.value for sample in families["export_pipelines_rows"].samples}
    assert rows["daily"] >= 10
    assert families["export_pipelines_downloads"].samples[0].labels == {"end": "whole"}
    stages = {sample.labels["stage"] for sample in families["export_pipelines_stage_seconds"].samples}
    assert {"extract", "encode", "store"} <= stages
    assert {"export_pipelines_deliveries", "export_pipelines_runs", "export_pipelines_denials"} <= set(
        families
    )
    assert requests.get(f"{served.url}/metrics", timeout=10).status_code == 401


def test_a_remote_project_answers_as_the_local_one(served: Served, daily: dict[str, Any]) -> None:
    local, remote = served.project, Project.remote(served.url, served.keys["boss"])
    assert remote.manifest("daily/2024-01-03") == local.manifest("daily/2024-01-03")
    assert remote.read("daily/2024-01-03").equals(local.read("daily/2024-01-03"))
    assert remote.scan("daily").collect().height == local.scan("daily").collect().height
    assert remote.last("daily") == local.last("daily")
    assert remote.preview("daily", "2024-01-03", 4).equals(local.preview("daily", "2024-01-03", 4))
    with pytest.raises(errors.RequestError, match="no artifact"):
        remote.manifest("daily/2024-01-31")
    with pytest.raises(errors.Denied):
        Project.remote(served.url, "epk_no").last("daily")
    assert served.keys["boss"] not in repr(remote)


def test_a_recipe_is_that_of_the_terminal(served: Served, daily: dict[str, Any]) -> None:
    path = f"/artifacts/{daily['artifact']}/recipe"
    given = served.ask("GET", f"{path}/duckdb?table=main.day")
    assert (given.status_code, given.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert given.text == served.project.recipe(daily["artifact"], "duckdb", "main.day").text
    unknown = served.ask("GET", f"{path}/duckbd")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "request")
    assert 'did you mean "duckdb"?' in unknown.json()["detail"]
    assert served.ask("GET", f"{path}/duckdb?table=a%20b").status_code == 422
    assert served.ask("GET", f"{path}/duckdb", "vic").status_code == 404


def test_a_remote_project_runs_an_export(served: Served) -> None:
    outcome = Project.remote(served.url, served.keys["boss"]).run("daily", "2024-01-12")
    assert outcome.ok
    assert outcome.manifest.rows == 10
    with pytest.raises(errors.RequestError, match="2999"):
        Project.remote(served.url, served.keys["boss"]).run("daily", "2999-01-12")
