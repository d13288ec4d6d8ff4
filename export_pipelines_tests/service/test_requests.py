"""Lists, pages, idempotency, rights and ends of requests."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from export_pipelines_tests.service.serving import Served

AD_HOC = {"type": "lead", "start": "2024-01-01", "end": "2024-01-08", "fields": ["lead_id", "email", "state"]}


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


def test_pages_go_from_the_newest_to_the_oldest(served: Served) -> None:
    for day in (8, 9, 10):
        served.ask(
            "POST", "/exports", "ana", json={**AD_HOC, "end": f"2024-01-{day + 1:02}"}
        ).raise_for_status()
    whole = [item["id"] for item in served.ask("GET", "/exports?limit=200", "ana").json()]
    assert len(whole) >= 3
    url, paged = "/exports?limit=2", []
    while url:
        page = served.ask("GET", url, "ana")
        paged += [item["id"] for item in page.json()]
        url = page.links["next"]["url"] if "next" in page.links else ""
    assert paged == whole
    created = [served.ask("GET", f"/exports/{id}", "ana").json()["created_at"] for id in whole]
    assert created == sorted(created, reverse=True)


def test_everybody_sees_their_own_and_an_admin_sees_all(served: Served) -> None:
    mine = served.made(AD_HOC, "ana")
    assert {item["user"] for item in served.ask("GET", "/exports?limit=200", "ana").json()} == {"ana"}
    assert mine["id"] in [item["id"] for item in served.ask("GET", "/exports?limit=200").json()]
    assert served.ask("GET", f"/exports/{mine['id']}").status_code == 200


def test_the_rights_of_who_asks_narrow_the_file(served: Served) -> None:
    body = {"export": "personal", "partition": "2024-01-01"}
    whole, narrow = served.made(body), served.made(body, "ana")
    texts = [
        served.ask("GET", made["files"][0]["url"], who).text
        for made, who in ((whole, "boss"), (narrow, "ana"))
    ]
    assert "@" in texts[0]
    assert "@" not in texts[1]
    assert whole["artifact"] != narrow["artifact"]
    assert served.ask("GET", f"/artifacts/{whole['artifact']}", "ana").status_code == 404


def test_rows_beyond_a_role_are_cut_and_said_to_be(served: Served) -> None:
    made = served.made({**AD_HOC, "end": "2024-02-01"}, "fay")
    assert (made["status"], made["exported_docs"]) == ("truncated", 5), made


def test_permissions_are_asked(served: Served) -> None:
    assert served.ask("POST", "/exports", "vic", json=AD_HOC).status_code == 403
    assert served.ask("GET", "/exports", "vic").json() == []
    made = served.made({"export": "daily", "partition": "2024-01-03"})
    assert (
        served.ask("GET", f"/artifacts/{made['artifact']}/files/{made['file_name']}", "vic").status_code
        == 404
    )


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
    assert made["artifact"] in [entry.subject for entry in served.project.ledger.audit("erased")]


def test_a_small_export_comes_with_the_answer_that_was_waited_for(served: Served) -> None:
    answer = served.ask("POST", "/exports", json=AD_HOC, headers={"Prefer": "respond-async, wait=20"})
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.headers["Location"] == f"/exports/{answer.json()['id']}"
    assert answer.json()["status"] == "complete"


@pytest.mark.parametrize("prefer", ["wait=x", "wait", "respond-async", "wait=0"])
def test_other_preferences_wait_for_nothing(served: Served, prefer: str) -> None:
    before = time.monotonic()
    answer = served.ask("POST", "/exports", json=AD_HOC, headers={"Prefer": prefer})
    assert answer.status_code == 201
    assert time.monotonic() - before < 10
