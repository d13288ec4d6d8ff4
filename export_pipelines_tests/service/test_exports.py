"""Asking for exports, seeing what became of them, and fetching their files."""

import csv
import hashlib
import io

import requests

from export_pipelines_tests.service.serving import Served

AD_HOC = {"type": "lead", "start": "2024-01-01", "end": "2024-01-08", "fields": ["lead_id", "state"]}


def test_an_export_becomes_a_run_and_a_file(served: Served) -> None:
    made = served.made({"export": "daily", "partition": "2024-01-03"})
    assert made["status"] == "complete", made
    assert made["exported_docs"] == 10
    (file,) = made["files"]
    fetched = served.ask("GET", file["url"])
    assert hashlib.sha256(fetched.content).hexdigest() == file["sha256"]
    assert len(list(csv.reader(io.StringIO(fetched.text)))) == 11
    manifest = served.project.manifest(made["artifact"])
    assert manifest.rights["asker"] == "boss"


def test_an_ad_hoc_export_is_run_by_the_same_models(served: Served) -> None:
    made = served.made(
        {**AD_HOC, "filter_rules": [{"lhv": "state", "op": "is equal to", "rhv": "TX"}]}, "ana"
    )
    assert made["status"] == "complete", made
    assert made["user"] == "ana"
    fetched = served.ask("GET", made["files"][0]["url"], "ana")
    rows = list(csv.DictReader(io.StringIO(fetched.text)))
    assert rows
    assert {row["state"] for row in rows} == {"TX"}


def test_nobody_is_served_without_a_key(served: Served) -> None:
    answer = requests.get(f"{served.url}/exports", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
