"""Signing in and out, forms of other sites, and headers of pages."""

import re
from datetime import UTC, datetime

import pytest
import requests
from fastapi.routing import APIRoute

from export_pipelines.access.keys import id_of
from export_pipelines.ledger import ApiKeys
from export_pipelines.service import pages
from export_pipelines.service.pages.rendering import ROOT
from export_pipelines_tests.service.pages.browsing import Visitor, signed_in
from export_pipelines_tests.service.serving import Served

PATHS = {  # of parameters in the routes
    "{name}": "daily",
    "{id}": "0" * 24,
    "{export}": "daily",
    "{window}": "2024-01-01",
    "{token}": "20240101T000000Z-0a0b0c",
}
OPEN = (
    "/ui/sign-in",
    "/ui/sign-in/provider",
    "/ui/sign-in/back",
    "/ui/static/{version}/{name}",
)


def routes(method: str) -> list[str]:
    """The paths of all pages, or of all forms."""
    own = [route for module in pages.MODULES for route in module.router.routes]
    paths = [
        ROOT + route.path for route in own if isinstance(route, APIRoute) and method in (route.methods or ())
    ]
    assert len(paths) > 5
    return [path for path in paths if path not in OPEN]


def filled(path: str) -> str:
    for name, value in PATHS.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("path", routes("GET"))
def test_pages_need_a_session(paged: Served, path: str) -> None:
    answer = requests.get(paged.url + filled(path), allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/ui/sign-in")


@pytest.mark.parametrize("path", routes("POST"))
def test_forms_of_other_sites_are_refused(paged: Served, path: str) -> None:
    visitor, other = signed_in(paged), signed_in(paged, "ana")
    for token in ("", "0" * 64, other.token):
        visitor.token = token
        answer = visitor.post(filled(path), {"key": paged.keys["boss"]})
        assert answer.status_code == 403, token
        assert "from this page" in answer.text
    assert visitor.get("/ui").status_code == 200  # and nothing was done, such as signing out


def test_the_form_for_signing_in_is_refused_from_elsewhere(paged: Served) -> None:
    answer = requests.post(paged.url + "/ui/sign-in", data={"key": paged.keys["boss"]}, timeout=30)
    assert answer.status_code == 403


def test_a_wrong_key_is_refused_without_being_repeated(paged: Served) -> None:
    visitor = Visitor(paged)
    visitor.get("/ui/sign-in")
    for key in ("", "epk_wrong", paged.keys["boss"][:-1] + "x", "eps_wrong"):
        answer = visitor.post("/ui/sign-in", {"key": key})
        assert answer.status_code == 401
        assert "not good" in answer.text
        assert not key or key not in answer.text


def test_after_signing_in_a_person_is_where_they_wanted_to_go(paged: Served) -> None:
    visitor = Visitor(paged)
    answer = visitor.get("/ui/exports/daily")
    assert 'name="next" value="/ui/exports/daily"' in answer.text
    assert visitor.sign_in("boss", "/ui/exports/daily").url == f"{paged.url}/ui/exports/daily"


@pytest.mark.parametrize(
    "next", ["//evil.example", "https://evil.example/ui", "/uieasy", "/ui/\\evil", "/ui/\n"]
)
def test_signing_in_leads_to_no_other_site(paged: Served, next: str) -> None:
    assert Visitor(paged).sign_in("boss", next).url == f"{paged.url}/ui"


def test_the_cookie_is_for_the_server_alone(paged: Served) -> None:
    visitor = Visitor(paged)
    visitor.get("/ui/sign-in")
    answer = visitor.post("/ui/sign-in", {"key": paged.keys["boss"]}, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert paged.keys["boss"] not in cookie


def test_signing_out_ends_one_session_and_everywhere_all(paged: Served) -> None:
    first, second, ana = signed_in(paged), signed_in(paged), signed_in(paged, "ana")
    kept = first.cookies.cookies.get("export_pipelines_session")
    assert kept
    first.post("/ui/sign-out")
    first.cookies.cookies.set("export_pipelines_session", kept)
    assert first.get("/ui", allow_redirects=False).status_code == 303
    third = signed_in(paged)
    assert second.get("/ui", allow_redirects=False).status_code == 200
    second.post("/ui/sign-out", {"everywhere": "yes"})
    assert third.get("/ui", allow_redirects=False).status_code == 303
    assert ana.get("/ui", allow_redirects=False).status_code == 200


def test_a_session_ends_with_its_key(paged: Served, another_key: str) -> None:
    visitor = Visitor(paged)
    visitor.get("/ui/sign-in")
    assert visitor.post("/ui/sign-in", {"key": another_key}).status_code == 200
    ApiKeys(paged.project.ledger.engine).revoke(id_of(another_key), datetime.now(UTC))
    assert visitor.get("/ui", allow_redirects=False).status_code == 303


def test_pages_allow_no_script_and_style_within_them(paged: Served) -> None:
    visitor = signed_in(paged)
    for path in (
        "/ui",
        "/ui/new",
        "/ui/requests",
        "/ui/exports/texas",
        "/ui/exports/texas/diagnosis",
        "/ui/no",
    ):
        answer = visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", answer.text), (
            path
        )
        assert answer.headers["Cache-Control"] == "no-store"


def test_static_files_may_be_kept(paged: Served) -> None:
    text = requests.get(f"{paged.url}/ui/sign-in", timeout=30).text
    for path in re.findall(r'(?:src|href)="(/ui/static/[^"]+)"', text):
        answer = requests.get(paged.url + path, timeout=30)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert requests.get(f"{paged.url}/ui/static/x/..%2Fpages%2Fsession.py", timeout=30).status_code == 404
