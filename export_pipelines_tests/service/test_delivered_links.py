"""Links in mails and notices, from the delivery through a real mail server to the download, and their end."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import LinkSettings
from export_pipelines.errors import Denied
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import Links
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.pipeline import deliver
from export_pipelines.project import Project
from export_pipelines.recipes.files import recipe_files
from export_pipelines.signed_links import delivered_link
from export_pipelines_servers.authority import authority
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.https import https_server
from export_pipelines_servers.receivers import WebhookReceiver
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_tests.artifacts.build import PARTS, stored
from export_pipelines_tests.service.serving import Served, make_keys, make_project, serving

ALLOWED = """\
private_networks: [127.0.0.1, '::1']
variables: [KEY, TOKEN]
hosts: [localhost, 127.0.0.1]
files: ["/**"]
mail_domains: [acme.example, example.com]
"""
RUTH, SAM = "ruth@acme.example", "sam@acme.example"


@dataclass
class Office:
    """A service with a public URL, a mail server, and one artifact."""

    served: Served
    post: Post
    manifest: Manifest
    entries: list[dict[str, Any]] = field(default_factory=list)

    def send(self, kind: str, again: bool = False, **settings: Any) -> None:
        """One delivery of the artifact."""
        project = self.served.project
        entry: Any = {"kind": kind, "settings": settings}
        (delivery,) = project.ledger.register(self.manifest, [entry], None, project.now())
        deliver(delivery.id, project.ledger, project.resources, project.now, again=again)

    def mail(self, again: bool = False, **settings: Any) -> dict[str, str]:
        """The text of each mail that came, by its recipient."""
        self.post.envelopes.clear()
        self.send("email", again, **{"from": "exports@example.com", **settings})
        bodies = [mail.get_body(("plain",)) for mail in self.post.messages]
        assert all(len(to) == 1 for to, _ in self.post.envelopes)
        return {
            to[0]: body.get_content()
            for (to, _), body in zip(self.post.envelopes, bodies, strict=True)
            if body is not None
        }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Office]:
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    with smtp_server() as post:
        settings = {
            f"{PREFIX}PUBLIC_URL": f"http://127.0.0.1:{port}/",
            f"{PREFIX}SMTP_URL": post.url(authority().pem(folder)),
        }
        environment = make_project(folder, store_url, None, **settings)
        (folder / "allowed.yaml").write_text(ALLOWED)
        project = Project.open(folder, environment)
        keys = make_keys(project, (OPERATOR,))
        manifest = stored(project.store)
        with serving(folder, environment, port=port) as (url, _):
            yield Office(Served(url, project, environment, keys), post, manifest)


def _urls(text: str) -> list[str]:
    return re.findall(r"http://\S+", text)


def test_a_mail_carries_a_link_for_each_recipient_that_gives_the_files(office: Office) -> None:
    bodies = office.mail(to=[RUTH, SAM], send="link", body="{{rows}} rows until next week:\n{{link}}\n")
    assert bodies.keys() == {RUTH, SAM}
    assert not set(_urls(bodies[RUTH])) & set(_urls(bodies[SAM]))
    assert not [
        part
        for mail in office.post.messages
        for part in mail.iter_attachments()
        if "csv" in str(part.get_filename())
    ]
    for recipient, text in bodies.items():
        fetched = [requests.get(url, timeout=30) for url in _urls(text)]
        assert [answer.content for answer in fetched] == list(PARTS.values())
        ledger = office.served.project.ledger
        entry = ledger.audit("download", office.manifest.artifact)[-1]
        link = Links(ledger.engine).named(str(entry.detail["link"]))
        assert link is not None
        assert (entry.actor, link.recipient) == (OPERATOR, recipient)
    assert office.post.messages[0]["To"] == RUTH


def test_a_link_of_single_use_ends_with_the_download(office: Office) -> None:
    text = office.mail(to=RUTH, send="link", link={"days": 2, "single_use": True}, subject="once")[RUTH]
    assert "The files are here until " in text
    url, other = _urls(text)
    assert requests.get(url, timeout=30).content == PARTS["leads_part_1.csv"]
    assert requests.get(url, timeout=30).status_code == 410
    assert requests.get(other, timeout=30).status_code == 200


def test_a_link_stays_the_same_until_it_is_revoked(office: Office) -> None:
    settings = {"to": RUTH, "send": "link", "subject": "again"}
    (first, *_), (second, *_) = (_urls(office.mail(again, **settings)[RUTH]) for again in (False, True))
    assert first == second
    path = f"/artifacts/{office.manifest.artifact}/links/{first.split('/links/')[1].partition('.')[0]}"
    assert office.served.ask("DELETE", path, OPERATOR).status_code == 204
    assert requests.get(first, timeout=30).status_code == 404
    third = _urls(office.mail(again=True, **settings)[RUTH])[0]
    assert requests.get(third, timeout=30).status_code == 200


def test_a_revoked_link_is_replaced_only_where_it_is_sent_again(office: Office) -> None:
    project = Project.open(office.served.project.root, dict(office.served.environment))
    ledger, link = project.ledger, LinkSettings()

    def url(again: bool) -> str:
        settings = project.settings
        return delivered_link(
            ledger, settings, project.now, again, office.manifest, "a delivery", RUTH, link
        ).url

    revoked = url(False)
    Links(ledger.engine).revoke(revoked.split("/links/")[1].partition(".")[0], project.now())
    before = len(Links(ledger.engine).of_artifact(office.manifest.artifact))
    with pytest.raises(Denied, match="was revoked"):
        url(False)
    assert len(Links(ledger.engine).of_artifact(office.manifest.artifact)) == before
    another = url(True)
    assert another != revoked
    assert url(False) == another


def test_files_may_be_attached_beside_the_link(office: Office) -> None:
    text = office.mail(to=RUTH, body="{{link}}", subject="both")[RUTH]
    assert requests.get(_urls(text)[0], timeout=30).ok
    names = [part.get_filename() for part in office.post.messages[0].iter_attachments()]
    assert set(PARTS) <= set(names)


def test_a_notice_carries_links(office: Office, tmp_path: Path) -> None:
    with https_server() as inbox:
        receiver = WebhookReceiver(inbox, authority().pem(tmp_path))
        office.served.environment.update(receiver.environment)  # type: ignore[attr-defined]
        office.send("webhook", **receiver.entry(send="notice", link={"days": 1})["settings"])
        (posted,) = inbox.posted.values()
    data = json.loads(posted.body)["data"]
    assert data["expires_at"] > office.manifest.created_at.isoformat()
    fetched = [requests.get(file["url"], timeout=30).content for file in data["files"]]
    assert fetched == list(PARTS.values())


def test_links_and_notices_give_the_recipes(office: Office, tmp_path: Path) -> None:
    project, name = office.served.project, "daily_2024-01-15.recipe.duckdb.sql"
    made = stored(project.store, token="20240118T020000Z-0a1b2c", recipes=("duckdb",))
    office = replace(office, manifest=made)
    expected = recipe_files(made)[name]
    url = _urls(office.mail(to=RUTH, send="link", subject="recipes")[RUTH])[-1]
    answer = requests.get(url, timeout=30)
    assert (answer.content, answer.headers["Content-Type"]) == (expected, "text/plain; charset=utf-8")
    assert name in answer.headers["Content-Disposition"]
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=30)
    assert (part.status_code, part.content) == (206, expected[10:20])
    listed = requests.get(url.partition("/files/")[0], timeout=30).json()["files"]
    assert [file["name"] for file in listed] == [*PARTS, name]
    with https_server() as inbox:
        receiver = WebhookReceiver(inbox, authority().pem(tmp_path))
        office.served.environment.update(receiver.environment)  # type: ignore[attr-defined]
        office.send("webhook", **receiver.entry(send="notice")["settings"])
        (posted,) = inbox.posted.values()
    *_, file = json.loads(posted.body)["data"]["files"]
    assert (file["name"], requests.get(file["url"], timeout=30).content) == (name, expected)
    attached = office.mail(to=RUTH, body="{{link}}\n{{files}}", subject="both recipes")[RUTH]
    assert requests.get(_urls(attached)[-1], timeout=30).content == expected
    (text,) = [
        part for part in office.post.messages[0].iter_attachments() if "recipe" in str(part.get_filename())
    ]
    assert (text.get_filename(), text.get_content_type()) == (f"{name}.txt", "text/plain")


def test_no_signature_of_a_link_is_kept(office: Office) -> None:
    url = _urls(office.mail(to=RUTH, send="link", subject="kept nowhere")[RUTH])[0]
    signature = url.split("/links/")[1].split("/")[0].rpartition(".")[2].encode()
    assert requests.get(url, timeout=30).ok
    home = office.served.project.root
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if signature in path.read_bytes()] == []
