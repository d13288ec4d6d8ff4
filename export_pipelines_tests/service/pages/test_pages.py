"""What the pages show, to whom, and that nothing of it is taken for HTML."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from html import unescape

from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.service.pages.browsing import Visitor, signed_in
from export_pipelines_tests.service.pages.conftest import HOSTILE
from export_pipelines_tests.service.serving import Served

ENDS_S = 180  # the first run waits for Dagster's daemon to come up


def ended(visitor: Visitor, url: str) -> str:
    """The page of a request once it has ended."""
    until = time.monotonic() + ENDS_S
    while 'http-equiv="refresh"' in (text := visitor.get(url.removeprefix(visitor.served.url)).text):
        assert time.monotonic() < until, text
        time.sleep(0.3)
    return text


def test_the_catalogue_shows_all_to_an_admin(paged: Served) -> None:
    text = unescape(signed_in(paged).get("/ui").text)
    for word in ("daily", "texas", "its file has faults", "schedule is off", "Leads of a day", "New export"):
        assert word in text


def test_what_somebody_may_not_see_is_not_shown(paged: Served) -> None:
    viewer = signed_in(paged, "vic")
    assert "New export" not in viewer.get("/ui").text
    assert "broken" not in viewer.get("/ui").text
    assert viewer.get("/ui/exports/broken").status_code == 404
    assert viewer.get("/ui/exports/broken").text == viewer.get("/ui/exports/absent").text
    assert viewer.get("/ui/new").status_code == 403
    assert viewer.post("/ui/exports/daily/run").status_code == 403
    assert "Run now" not in viewer.get("/ui/exports/daily").text


def test_fields_that_a_role_leaves_out_are_not_offered(paged: Served) -> None:
    for who, offered in (("boss", True), ("ana", False)):
        text = signed_in(paged, who).get("/ui/new").text
        assert ('value="phone_1"' in text) is offered
        assert 'value="phone_1.area"' in text  # which may remain
        assert ("Save as an export" in text) is offered


def test_texts_of_users_are_no_html(paged: Served) -> None:
    visitor = signed_in(paged)
    pages = [
        visitor.get("/ui").text,
        visitor.get("/ui/exports/texas").text,
        visitor.get("/ui?find=" + '"><script>alert(1)</script>').text,
        visitor.get("/ui/exports/<script>").text,
        visitor.post(
            "/ui/new", {"lhv": HOSTILE, "op": HOSTILE, "rhv": HOSTILE, "email": HOSTILE, "type": HOSTILE}
        ).text,
        visitor.post("/ui/save", {"name": HOSTILE, "yaml": HOSTILE}).text,
        visitor.post("/ui/save", {"name": "texas", "yaml": HOSTILE}).text,
    ]
    for text in pages:
        assert "<script>" not in text
    assert HOSTILE in unescape(pages[0])


def test_an_export_is_run_and_its_file_fetched(paged: Served) -> None:
    visitor = signed_in(paged)
    visitor.get("/ui/exports/texas")
    answer = visitor.post("/ui/exports/texas/run")
    text = ended(visitor, answer.url)
    assert "done" in text
    history = visitor.get("/ui/exports/texas").text
    manifest = paged.project.store.latest("texas")
    assert manifest
    part = manifest.parts[0]
    path = f"/ui/artifacts/{manifest.artifact}/files/{part.name}"
    assert f'href="{path}"' in history
    data = visitor.get(path).content
    assert hashlib.sha256(data).hexdigest() == part.sha256
    assert "arrived" in history
    assert "Receipt" in history
    assert "1 download" in visitor.get("/ui/exports/texas").text
    until = time.monotonic() + ENDS_S
    while "done" not in visitor.get("/ui").text:  # its run ends a little after its file is there
        assert time.monotonic() < until
        time.sleep(0.3)


def test_any_day_names_the_partition_that_holds_it(paged: Served) -> None:
    visitor = signed_in(paged)
    assert "Any day of the month" in visitor.get("/ui/exports/personal").text
    last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    url = visitor.post("/ui/exports/personal/run", {"partition": last.isoformat()}).url
    id = url.partition("?")[0].rpartition("/")[2]
    request = paged.project.export_requests.named(id)
    assert request
    assert request.partition == last.replace(day=1).isoformat()
    answer = visitor.post("/ui/exports/personal/run", {"partition": "2026-02-31"})
    assert answer.status_code == 422
    assert "choose a day of the calendar" in answer.text


def test_older_requests_are_a_page_away(paged: Served) -> None:
    visitor = signed_in(paged)
    visitor.get("/ui/exports/daily")
    ids = []
    for day in range(2):
        partition = (datetime.now(UTC).date() - timedelta(days=day + 3)).isoformat()
        url = visitor.post("/ui/exports/daily/run", {"partition": partition}).url
        ids.append(url.partition("?")[0].rpartition("/")[2])
    text = visitor.get(f"/ui/requests?before={ids[1]}").text
    assert ids[1] not in text
    assert ids[0] in text
    assert signed_in(paged, "ana").get(f"/ui/requests?before={ids[1]}").status_code == 404
    assert visitor.get("/ui/exports/daily?skip=100").status_code == 200


def test_what_did_not_arrive_is_shown_and_tried_again(paged: Served) -> None:
    visitor = signed_in(paged)
    visitor.get("/ui/exports/nowhere")
    text = unescape(ended(visitor, visitor.post("/ui/exports/nowhere/run").url))
    assert "failed" in text
    assert "/proc/nowhere" in text
    (delivery,) = paged.project.ledger.deliveries("nowhere")
    assert visitor.post(f"/ui/deliveries/{delivery.id}/retry").url == f"{paged.url}/ui/exports/nowhere"
    until = time.monotonic() + ENDS_S
    ledger = paged.project.ledger
    while (again := ledger.delivery(delivery.id)).attempts < 2 or again.state == "sending":
        assert time.monotonic() < until
        time.sleep(0.3)
    assert "Try again now" in visitor.get("/ui/exports/nowhere").text


def test_the_page_of_a_diagnosis_says_what_the_terminal_says(paged: Served) -> None:
    text = unescape(signed_in(paged).get("/ui/exports/personal/diagnosis").text)
    command = ["-m", "export_pipelines.cli.app", "diagnose", "personal", "--as", "boss", "--json"]
    with Process(command, paged.project.root, paged.environment) as process:
        out, _ = process.communicate()
    findings = [finding for findings in json.loads(out).values() for finding in findings]
    assert len(findings) > 4
    for finding in findings:
        for words in (*finding["text"].split("`"), *finding["then"].split("`")):
            assert words in text


def test_somebody_elses_request_is_not_there(paged: Served) -> None:
    ana, boss = signed_in(paged, "ana"), signed_in(paged)
    boss.get("/ui/exports/daily")
    url = boss.post("/ui/exports/daily/run").url.removeprefix(paged.url)
    assert boss.get(url).status_code == 200
    assert ana.get(url).status_code == 404
    assert ana.post(f"{url}/cancel").status_code == 404
    assert boss.post(f"{url}/cancel").url == f"{paged.url}/ui/requests"
    assert boss.get(url).status_code == 404
