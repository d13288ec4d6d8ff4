"""Bad input: one problem document with the place of each fault, nothing written, an entry of the audit."""

from typing import Any

import pytest

from export_pipelines_tests.service.serving import Served

GOOD = {"type": "lead", "start": "2024-01-01", "end": "2024-01-08", "fields": ["lead_id"]}
PROBLEMS: list[tuple[str, Any, int, str | None]] = [
    ("no object", [1], 422, ""),
    ("type missing", {"start": "2024-01-01", "end": "2024-01-08"}, 422, "/type"),
    ("unknown key", GOOD | {"feilds": ["lead_id"]}, 422, "/feilds"),
    ("unknown field", GOOD | {"fields": ["lead_id", "emial"]}, 422, "/fields/1"),
    ("operator", GOOD | {"filter_rules": [{"lhv": "state", "op": "equals", "rhv": "TX"}]}, 422, "/filter_rules/0/op"),
    (
        "rule in a set",
        GOOD | {"filter": {"rules": [{"op": "or", "rules": [{"lhv": "stat", "op": "is blank"}]}]}},
        422,
        "/filter/rules/0/rules/0/lhv",
    ),
    ("mail address", GOOD | {"email_to": ["nobody"]}, 422, "/email_to/0"),
    ("date format", GOOD | {"date_format": "MM/DD/YY"}, 422, "/date_format"),
    ("future", GOOD | {"end": "2999-01-01"}, 422, "/end"),
    ("no date", GOOD | {"start": "yesterday"}, 422, "/start"),
    ("no end", {k: v for k, v in GOOD.items() if k != "end"}, 422, "/end"),
    ("end first", GOOD | {"start": "2024-02-01"}, 422, "/end"),
    ("a schedule", GOOD | {"schedule": "daily at 02:00"}, 422, "/schedule"),
    ("somebody else's", GOOD | {"owner": "ana"}, 422, "/owner"),
    ("a person", GOOD | {"filter_rules": [{"lhv": "email", "op": "is equal to", "rhv": "a@b.c"}]}, 422, "/filter_rules/0"),
    ("unknown export", {"export": "dayly", "partition": "2024-01-03"}, 422, None),
    ("no partition", {"export": "daily", "partition": "2024-01-32"}, 422, "/partition"),
    ("partition and start", {"export": "daily", "partition": "2024-01-03", "start": "2024-01-01"}, 422, "/partition"),
    ("key of the file", {"export": "daily", "fields": "all"}, 422, "/fields"),
    ("filter of the launch", {"export": "daily", "filter": {"rules": [{"lhv": "x", "op": "is blank"}]}}, 422, "/filter/rules/0/lhv"),
    ("limits", GOOD | {"end": "2024-02-01", "limits": {"rows": 3}}, 422, None),
    ("deep", GOOD | {"filter": {"rules": eval("[" * 60 + "]" * 60)}}, 422, ""),
    ("half a character", GOOD | {"description": "\ud800"}, 422, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "pointer"), [case[1:] for case in PROBLEMS], ids=[c[0] for c in PROBLEMS]
)
def test_a_fault_is_named_with_its_place(served: Served, body: Any, status: int, pointer: str | None) -> None:
    before = len(served.ask("GET", "/exports?limit=200").json())
    denied = len(served.project.ledger.audit("denied"))
    answer = served.ask("POST", "/exports", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:export-pipelines:{problem['code']}"
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]], problem
    assert len(served.ask("GET", "/exports?limit=200").json()) == before
    assert len(served.project.ledger.audit("denied")) == denied + (status == 403)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("{", 400),
        ("", 400),
        ('{"type": "lead", "type": "lead"}', 400),
        ("[" * 100_000, 400),
        ('{"a": NaN}', 400),
    ],
)
def test_what_is_no_json_is_refused(served: Served, text: str, status: int) -> None:
    answer = served.ask("POST", "/exports", data=text, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, "json")


def test_a_body_of_megabytes_is_refused_before_it_is_read(served: Served) -> None:
    answer = served.ask("POST", "/exports", data=b" " * 2_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_the_page_of_another_site_changes_nothing(served: Served) -> None:
    answer = served.ask("POST", "/exports", json=GOOD, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "denied")
