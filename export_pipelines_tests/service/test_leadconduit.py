"""LeadConduit's calls of `/exports`, by curl as its users make them: nothing but the host is another."""

import csv
import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from export_pipelines_servers.smtp import Post
from export_pipelines_tests.service.serving import Served

ID = r"[0-9a-f]{24}"
STATUSES = {"created", "processing", "complete", "error", "truncated"}
ATTRIBUTES = [
    "id",
    "created_at",
    "status",
    "start",
    "end",
    "filter_rules",
    "email_to",
    "fields",
    "date_format",
    "user",
    "expires_at",
    "reason",
    "error",
    "exported_docs",
    "file_name",
    "downloads",
]
BODY = {
    "type": "lead",
    "start": "2024-01-02T00:00:00Z",
    "end": "2024-01-09T00:00:00Z",
    "filter_rules": [{"lhv": "state", "op": "is included in", "rhv": ["TX", "CA", "NY", "FL"]}],
    "fields": ["lead_id", "submitted_at", "state", "price"],
    "date_format": "standard",
    "email_to": ["ruth@acme.example"],
}


def _curl(served: Served, path: str, *options: str) -> str:
    user = f"API:{served.keys['boss']}"
    command = ["curl", "-sS", "--fail-with-body", "-u", user, *options, served.url + path]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="module")
def export(served: Served) -> dict[str, Any]:
    """What came of a POST, at its end."""
    options = ("-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(BODY))
    created: dict[str, Any] = json.loads(_curl(served, "/exports", *options))
    assert created["status"] in ("created", "processing")
    return served.ended(json.loads(_curl(served, f"/exports/{created['id']}")))


def test_an_export_has_all_attributes(export: dict[str, Any]) -> None:
    assert set(ATTRIBUTES) <= export.keys()
    assert re.fullmatch(ID, export["id"])
    assert int(export["id"][:8], 16) == pytest.approx(
        datetime.fromisoformat(export["created_at"]).timestamp(), abs=2
    )
    assert (export["status"], export["error"], export["reason"]) == ("complete", None, None), export
    assert (export["start"], export["end"]) == ("2024-01-02T00:00:00Z", "2024-01-09T00:00:00Z")
    assert export["filter_rules"] == BODY["filter_rules"]
    assert (export["fields"], export["email_to"]) == (BODY["fields"], BODY["email_to"])
    assert datetime.fromisoformat(export["expires_at"]) > datetime.now(UTC)


def test_its_file_is_downloaded_and_the_download_is_listed(
    served: Served, export: dict[str, Any], tmp_path: Path
) -> None:
    path = f"/exports/{export['id']}/files/{export['file_name']}"
    _curl(served, path, "-o", str(tmp_path / "export.csv"))
    with (tmp_path / "export.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == export["exported_docs"] > 0
    assert list(rows[0]) == BODY["fields"]
    assert {row["state"] for row in rows} <= {"TX", "CA", "NY", "FL"}
    assert all("2024-01-02" <= row["submitted_at"] < "2024-01-09" for row in rows)  # end is exclusive
    (download,) = json.loads(_curl(served, f"/exports/{export['id']}"))["downloads"]
    assert (download["by"], download["file"]) == ("boss", export["file_name"])


def test_its_mail_comes(export: dict[str, Any], post: Post) -> None:
    mails = [
        mail for to, mail in zip(post.envelopes, post.messages, strict=True) if to[0] == export["email_to"]
    ]
    names = {part.get_filename() for mail in mails for part in mail.iter_attachments()}
    assert export["file_name"] in names


def test_the_list_is_newest_first_and_holds_no_expired_one(served: Served, export: dict[str, Any]) -> None:
    exports = json.loads(_curl(served, "/exports"))
    moments = [item["created_at"] for item in exports]
    assert export["id"] in [item["id"] for item in exports]
    assert moments == sorted(moments, reverse=True)
    assert {item["status"] for item in exports} <= STATUSES
    assert all(datetime.fromisoformat(item["expires_at"]) > datetime.now(UTC) for item in exports)


def test_only_basic_authentication_with_the_user_api_is_taken(served: Served) -> None:
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", served.url + "/exports"]
    for user in ("API:wrong", f"me:{served.keys['boss']}"):
        ended = subprocess.run([*command, "-u", user], capture_output=True, text=True, timeout=60, check=True)
        assert ended.stdout == "401"
