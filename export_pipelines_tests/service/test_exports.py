"""Asking for exports, seeing what became of them, and fetching their files."""

import csv
import hashlib
import io
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from export_pipelines.ledger import ExportRequests, Holds
from export_pipelines.service.api.exports import wait_s
from export_pipelines_tests.service.conftest import AD_HOC
from export_pipelines_tests.service.serving import Served


def test_an_export_becomes_a_run_and_a_file(served: Served, daily: dict[str, Any]) -> None:
    assert daily["status"] == "complete", daily
    assert daily["exported_docs"] == daily["progress"]["rows"] == 10
    assert daily["progress"]["share"] == 1
    assert (daily["user"], daily["partition"], daily["file_name"]) == (
        "boss",
        "2024-01-03",
        daily["files"][0]["name"],
    )
    (file,) = daily["files"]
    fetched = served.ask("GET", file["url"])
    assert hashlib.sha256(fetched.content).hexdigest() == file["sha256"]
    assert len(list(csv.reader(io.StringIO(fetched.text)))) == 11
    assert served.project.manifest(daily["artifact"]).rights["asker"] == "boss"
    (entry,) = served.project.ledger.audit("run", daily["artifact"])
    assert (entry.actor, entry.owner, entry.outcome) == ("boss", "boss", "done")


def test_the_run_tells_who_asked_and_waits_behind_schedules(served: Served, daily: dict[str, Any]) -> None:
    file = served.project.settings.dagster_folder / "history" / "runs.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as runs:
        tags = dict(runs.execute("SELECT key, value FROM run_tags WHERE run_id = ?", [daily["run_id"]]))
        (job,) = runs.execute("SELECT pipeline_name FROM runs WHERE run_id = ?", [daily["run_id"]]).fetchone()
    assert job == "daily"  # the export's own, for the partition
    told = {
        "export/request": daily["id"],
        "export/as": "boss",
        "export/requester": "boss",
        "export/origin": "api",
        "export/name": "daily",
        "dagster/partition": "2024-01-03",
        "dagster/priority": "-1",
    }
    assert told.items() <= tags.items()


def test_an_ad_hoc_export_has_the_rights_of_who_asks(served: Served, texas: dict[str, Any]) -> None:
    assert (texas["status"], texas["user"]) == ("complete", "ana"), texas
    assert texas["filter_rules"] == [{"lhv": "state", "op": "is equal to", "rhv": "TX"}]
    rows = list(csv.DictReader(io.StringIO(served.ask("GET", texas["files"][0]["url"], "ana").text)))
    assert rows
    assert {row["state"] for row in rows} == {"TX"}
    assert not any("@" in row["email"] for row in rows)


def test_everybody_sees_their_own_and_an_admin_sees_all(
    served: Served, texas: dict[str, Any], daily: dict[str, Any]
) -> None:
    mine = served.ask("GET", "/exports?limit=200", "ana").json()
    assert {item["user"] for item in mine} == {"ana"}
    everything = [item["id"] for item in served.ask("GET", "/exports?limit=200").json()]
    assert {texas["id"], daily["id"]} <= set(everything)
    assert served.ask("GET", f"/exports/{texas['id']}").status_code == 200
    assert served.ask("GET", "/exports", "vic").json() == []


def test_unknown_and_foreign_ids_get_one_answer(served: Served, daily: dict[str, Any]) -> None:
    foreign = served.ask("GET", f"/exports/{daily['id']}", "ana")
    unknown = served.ask("GET", f"/exports/{'0' * 24}", "ana")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert served.ask("GET", daily["files"][0]["url"], "ana").content == unknown.content


def test_permissions_are_asked(served: Served, daily: dict[str, Any]) -> None:
    assert served.ask("POST", "/exports", "vic", json=AD_HOC).status_code == 403
    assert (
        served.ask("GET", f"/artifacts/{daily['artifact']}/files/{daily['file_name']}", "vic").status_code
        == 404
    )


def test_nobody_is_served_without_a_good_key(served: Served) -> None:
    for auth in (None, ("API", "epk_wrong"), ("somebody", served.keys["boss"])):
        answer = requests.get(f"{served.url}/exports", auth=auth, timeout=10)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_one_idempotency_key_makes_one_export(served: Served) -> None:
    headers = {"Idempotency-Key": f"once-{time.time_ns()}"}
    body = {"export": "daily", "partition": "2024-01-06"}

    def post(_: int) -> tuple[int, str]:
        answer = served.ask("POST", "/exports", json=body, headers=headers)
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(post, range(10)))
    assert len({id for _, id in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]
    other = served.ask("POST", "/exports", json={**body, "partition": "2024-01-07"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key")


def test_pages_go_from_the_newest_to_the_oldest(served: Served, texas: dict[str, Any]) -> None:
    asked = ExportRequests(served.project.ledger.engine)
    one = asked.named(texas["id"])
    assert one
    ids = [f"{n:024x}" for n in range(1, 6)]
    for n, id in enumerate(ids):  # two of the same moment
        at = one.created_at - timedelta(minutes=n // 2)
        row = replace(one, id=id, run_id=id, requester="fay", export=f"request_{id}", created_at=at)
        assert asked.add(row, 25)
    whole = [item["id"] for item in served.ask("GET", "/exports?limit=200", "fay").json()]
    assert set(ids) <= set(whole)
    url, paged = "/exports?limit=2", list[str]()
    while url:
        page = served.ask("GET", url, "fay")
        paged += [item["id"] for item in page.json()]
        url = page.links["next"]["url"] if "next" in page.links else ""
    assert paged == whole
    assert served.ask("GET", "/exports?cursor=abc", "fay").status_code == 422


def test_the_rights_of_who_asks_narrow_an_export_of_others(served: Served) -> None:
    body = {"export": "personal", "partition": "2024-01-01"}
    whole, narrow = served.made(body), served.made(body, "ana")
    assert "@" in served.ask("GET", whole["files"][0]["url"]).text
    assert "@" not in served.ask("GET", narrow["files"][0]["url"], "ana").text
    assert served.ask("GET", f"/artifacts/{narrow['artifact']}", "ana").status_code == 200
    assert served.ask("GET", f"/artifacts/{whole['artifact']}", "ana").status_code == 404
    listed = [item["artifact"] for item in served.ask("GET", "/artifacts?limit=200", "ana").json()]
    assert narrow["artifact"] in listed
    assert whole["artifact"] not in listed


def test_rows_beyond_a_role_are_cut_and_said_to_be(served: Served) -> None:
    made = served.made({**AD_HOC, "end": "2024-02-01"}, "fay")
    assert (made["status"], made["exported_docs"]) == ("truncated", 5), made


def test_a_run_that_fails_says_why(served: Served) -> None:
    made = served.made({**AD_HOC, "deliver": [{"folder": {"path": "/proc/nowhere"}}]})
    assert made["status"] == "error"
    assert "/proc/nowhere" in made["reason"]["message"] == made["error"]
    assert made["exported_docs"] == 70  # what was written is there all the same


def test_what_is_deleted_is_erased(served: Served) -> None:
    made = served.made(AD_HOC)
    assert served.ask("DELETE", f"/exports/{made['id']}").status_code == 204
    assert served.ask("GET", f"/exports/{made['id']}").status_code == 404
    assert served.ask("GET", f"/artifacts/{made['artifact']}").status_code == 404
    entries = served.project.ledger.audit("erased", made["artifact"])
    assert [(entry.actor, entry.outcome) for entry in entries] == [("boss", "started"), ("boss", "done")]


def test_what_is_on_hold_is_not_deleted(served: Served) -> None:
    made = served.made(AD_HOC)
    holds = Holds(served.project.ledger.engine)
    hold = holds.place("artifact", made["artifact"], "a claim", "boss", served.project.now())
    refused = served.ask("DELETE", f"/exports/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "held")
    assert served.ask("GET", f"/artifacts/{made['artifact']}").status_code == 200
    (entry,) = served.project.ledger.audit("denied", made["artifact"])
    assert (entry.outcome, entry.detail["hold"]) == ("denied", hold.id)
    holds.release("artifact", made["artifact"], "boss", served.project.now())
    assert served.ask("DELETE", f"/exports/{made['id']}").status_code == 204


def test_a_queue_that_is_full_takes_no_more(served: Served, texas: dict[str, Any]) -> None:
    asked = ExportRequests(served.project.ledger.engine)
    one = asked.named(texas["id"])
    assert one
    for n in range(25):
        id = f"{n + 100:024x}"
        row = replace(
            one, id=id, run_id=id, requester="vic", status="created", created_at=served.project.now()
        )
        assert asked.add(row, 25)
    assert asked.add(replace(one, id="f" * 24, run_id="f", requester="vic", status="created"), 25) is None
    for n in range(25):
        asked.change(f"{n + 100:024x}", status="error")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("wait=20", 20),
        ("respond-async, wait=20", 20),
        ("wait = 5; x", 5),
        ("wait=999", 60),
        ("wait=0", 0),
        ("wait=x", None),
        ("await=3", None),
    ],
)
def test_a_preference_waits_so_long(prefer: str | None, seconds: int | None) -> None:
    assert wait_s(prefer) == seconds


def test_an_answer_says_how_long_it_waited(served: Served, daily: dict[str, Any]) -> None:
    answer = served.ask("GET", f"/exports/{daily['id']}", headers={"Prefer": "wait=20"})
    assert answer.headers["Preference-Applied"] == "wait=20"
