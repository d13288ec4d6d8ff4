"""Links: for one artifact and one recipient, until they expire, are used or are revoked."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from export_pipelines.definition.destinations import LinkSettings
from export_pipelines.errors import Denied
from export_pipelines.project import Project
from export_pipelines.signed_links import delivered_link, link_of, new_link
from export_pipelines_tests.service.serving import ACCESS, Served, make_project, serving


def _linked(served: Served, made: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = served.ask(
        "POST", f"/artifacts/{made['artifact']}/links", json={"recipient": "ruth@acme.example", **body}
    )
    assert answer.status_code == 201, answer.text
    link: dict[str, Any] = answer.json()
    return link


def _file(served: Served, link: dict[str, Any]) -> str:
    listing = requests.get(served.url + link["url"], timeout=10)
    assert listing.status_code == 200
    return str(served.url + listing.json()["files"][0]["url"])


def test_a_link_gives_the_file_without_a_key(served: Served, daily: dict[str, Any]) -> None:
    link = _linked(served, daily)
    fetched = requests.get(_file(served, link), timeout=10)
    assert fetched.headers["ETag"] == f'"{daily["files"][0]["sha256"]}"'
    entry = served.project.ledger.audit("download", daily["artifact"])[-1]
    assert (entry.actor, entry.detail["link"], entry.detail["network"]) == (
        "boss",
        link["id"],
        "127.0.0.0/24",
    )
    fetches = served.ask("GET", f"/exports/{daily['id']}").json()["downloads"]
    assert fetches[-1]["by"] == "ruth@acme.example"


def test_the_audit_names_neither_a_recipient_nor_an_address(served: Served, daily: dict[str, Any]) -> None:
    """Of a link that is made, followed, tried once more, and revoked."""
    link = _linked(served, daily, single_use=True)
    url = _file(served, link)
    assert [requests.get(url, timeout=10).status_code for _ in range(2)] == [200, 410]
    assert served.ask("DELETE", f"/artifacts/{daily['artifact']}/links/{link['id']}").status_code == 204
    assert requests.get(url, timeout=10).status_code == 404
    entries = repr(list(served.project.trail.log.entries()))
    assert link["id"] in entries and "ruth@" not in entries and "127.0.0.1" not in entries


def test_a_link_of_single_use_is_good_once(served: Served, daily: dict[str, Any]) -> None:
    url = _file(served, _linked(served, daily, single_use=True))
    assert requests.head(url, timeout=10).status_code == 200
    assert requests.get(url, timeout=10).status_code == 200
    assert requests.get(url, timeout=10).status_code == 410


def test_a_revoked_or_changed_link_gives_nothing(
    served: Served, daily: dict[str, Any], texas: dict[str, Any]
) -> None:
    link = _linked(served, daily)
    url, base = _file(served, link), f"/artifacts/{daily['artifact']}/links"
    changed = link["url"][:-1] + ("A" if link["url"][-1] != "A" else "B")
    unknown = requests.get(f"{served.url}/links/{'0' * 24}.1.{'A' * 43}", timeout=10)
    assert requests.get(served.url + changed, timeout=10).content == unknown.content
    assert served.ask("DELETE", f"/artifacts/{texas['artifact']}/links/{link['id']}").status_code == 404
    assert served.ask("DELETE", f"{base}/{link['id']}").status_code == 204
    assert requests.get(url, timeout=10).content == unknown.content
    assert [item["state"] for item in served.ask("GET", base).json() if item["id"] == link["id"]] == [
        "revoked"
    ]


def test_an_expired_link_gives_nothing(served: Served, daily: dict[str, Any]) -> None:
    project = Project.open(served.project.root, dict(served.environment))
    manifest = project.manifest(daily["artifact"])
    ledger, settings = project.ledger, project.settings
    link, token = new_link(ledger, settings, project.now, manifest, "ruth", "boss", timedelta(days=1), False)
    assert link_of(ledger, settings, project.now, token).id == link.id
    with pytest.raises(Denied, match="not good any more"):
        link_of(ledger, settings, lambda: link.expires_at, token)


def test_who_may_not_fetch_makes_no_link(served: Served, daily: dict[str, Any]) -> None:
    base = f"/artifacts/{daily['artifact']}/links"
    assert served.ask("POST", base, "vic", json={"recipient": "vic"}).status_code == 403
    assert served.ask("POST", base, json={"recipient": "ruth", "days": 31}).status_code == 422
    assert served.ask("POST", base, json={}).json()["errors"][0]["pointer"] == "/recipient"


def test_a_link_is_good_no_longer_than_the_rights_of_who_made_it(
    served: Served, texas: dict[str, Any]
) -> None:
    base = f"/artifacts/{texas['artifact']}/links"
    link = served.ask("POST", base, "ana", json={"recipient": "ruth"}).json()
    assert requests.get(served.url + link["url"], timeout=10).status_code == 200
    path = served.project.settings.access
    before = path.read_text()
    try:
        path.write_text(before.replace("ana: {roles: [analyst]}", "ana: {roles: [viewer]}"))
        assert requests.get(served.url + link["url"], timeout=10).status_code == 404
    finally:
        path.write_text(before)
    assert requests.get(served.url + link["url"], timeout=10).status_code == 200


def test_a_link_of_an_export_that_a_team_owns_is_good(tmp_path: Path, store_url: str) -> None:
    """As long as the team has the rights."""
    folder, team = tmp_path / "team", "  team:sales: {roles: [operator], members: [ana]}\n"
    environment = make_project(folder, store_url, ACCESS + team)
    daily = folder / "exports" / "daily.yaml"
    daily.write_text(daily.read_text().replace("owner: boss", "owner: team:sales"))
    manifest = Project.open(folder, dict(environment)).run("daily", "2024-01-03").manifest
    with serving(folder, environment) as (url, _):
        project = Project.open(folder, dict(environment))
        link = delivered_link(
            project.ledger,
            project.settings,
            project.now,
            False,
            manifest,
            "a delivery",
            "ruth@acme.example",
            LinkSettings(),
        )
        (file,) = link.files([manifest.parts[0].name])
        assert requests.get(url + file, timeout=30).status_code == 200
        assert project.ledger.audit("download", manifest.artifact)[-1].detail["link"]
        (folder / "access.yaml").write_text(ACCESS + team.replace("operator", "viewer"))
        assert requests.get(url + file, timeout=30).status_code == 404
