"""Signing in by OpenID Connect, against a provider that proves PKCE, at two processes of the service."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import AuditAction
from export_pipelines.project import Project
from export_pipelines_servers.chromium import chromium
from export_pipelines_servers.open_id import OpenIdProvider, open_id_provider
from export_pipelines_tests.service.pages.browsing import Visitor
from export_pipelines_tests.service.serving import Served, make_keys, make_project, serving

ACCESS = """\
roles:
  analyst: {permissions: [view, create, download]}
principals:
  ana@acme.example: {roles: [analyst]}
  bo@acme.example: {roles: [analyst]}
  old@acme.example: {roles: [analyst], expires: 2024-01-01}
  team:sales: {roles: [analyst], members: [cy@acme.example]}
"""
VERIFIED = {"email_verified": True}
GOOD = {"email": "ana@acme.example", **VERIFIED}
WITHOUT_ACCESS = {
    "a stranger": {"email": "eve@evil.example", **VERIFIED},
    "unverified": {"email": "ana@acme.example", "email_verified": False},
    "unverified, as a text": {"email": "ana@acme.example", "email_verified": "true"},
    "silent about it": {"email": "ana@acme.example"},
    "without an address": {},
    "expired": {"email": "old@acme.example", **VERIFIED},
    "a team": {"email": "team:sales", **VERIFIED},
    "alike for Unicode only": {"email": "boſ@acme.example", **VERIFIED},
    "a list": {"email": ["ana@acme.example"], **VERIFIED},
}
NOT_GOOD = {
    "of another issuer": {**GOOD, "iss": "https://evil.example"},
    "for another client": {**GOOD, "aud": "another"},
    "for several": {**GOOD, "aud": ["another", "exports"], "azp": "another"},
    "of another sign-in": {**GOOD, "nonce": "another"},
    "too old": {**GOOD, "exp": 1_700_000_000},
}
USERS = {
    "ana": GOOD,
    "Ana": {"email": "Ana@Acme.Example", **VERIFIED},
    "bo": {"email": "bo@acme.example", **VERIFIED},
    "cy": {"email": "cy@acme.example", **VERIFIED},
    **WITHOUT_ACCESS,
    **NOT_GOOD,
}


@dataclass(frozen=True)
class SignIn:
    """Two processes of one service, and the provider."""

    first: Served
    second: Served
    provider: OpenIdProvider

    def entries(self) -> int:
        return len(self.first.project.ledger.audit())

    def denied(self) -> dict[str, object]:
        """The detail of the last refusal in the audit."""
        return dict(self.first.project.ledger.audit(AuditAction.DENIED)[-1].detail)


@pytest.fixture(scope="module")
def sign_in(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[SignIn]:
    folder = tmp_path_factory.mktemp("open_id") / "project"
    with open_id_provider(USERS) as provider:
        environment = environment_of(folder, store_url, provider.issuer)
        environment[f"{PREFIX}SERVICE_DENIALS_PER_MINUTE"] = "1000"
        project = Project.open(folder, dict(environment))
        keys = make_keys(project, ("bo@acme.example",))
        with serving(folder, environment) as (first, _), serving(folder, environment) as (second, _):
            yield SignIn(
                Served(first, project, environment, keys),
                Served(second, project, environment, keys),
                provider,
            )


def sent(visitor: Visitor, query: str = "") -> str:
    """The provider's page, where the service sent the browser."""
    answer = visitor.get(f"/ui/sign-in/provider{query}")
    assert answer.status_code == 200
    return answer.url


def returned(visitor: Visitor, url: str, sub: str) -> requests.Response:
    """Where the provider sends the browser after somebody signed in; the browser has not gone there yet."""
    return visitor.cookies.post(url, data={"sub": sub}, allow_redirects=False, timeout=30)


def arrived(served: Served, sub: str) -> tuple[Visitor, requests.Response]:
    visitor = Visitor(served)
    location = returned(visitor, sent(visitor), sub).headers["Location"]
    return visitor, visitor.cookies.get(location, timeout=30)


@pytest.mark.parametrize("sub", ["ana", "Ana", "cy"])
def test_a_person_of_access_yaml_signs_in(sign_in: SignIn, sub: str) -> None:
    visitor, answer = arrived(sign_in.first, sub)
    assert answer.url == f"{sign_in.first.url}/ui"
    assert str(USERS[sub]["email"]).lower() in answer.text
    entry = sign_in.first.project.ledger.audit(AuditAction.SIGNED_IN)[-1]
    assert entry.actor == str(USERS[sub]["email"]).lower()
    assert entry.detail["by"] == sign_in.provider.issuer
    cookie = next(each for each in visitor.cookies.cookies if each.name == "export_pipelines_session")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert "export_pipelines_sign_in" not in visitor.cookies.cookies


def test_a_person_signs_in_with_a_browser(sign_in: SignIn) -> None:
    """First with an account that has no access, then with another; the page's policy lets the browser go and come back."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.set_default_timeout(60_000)
        page.goto(f"{sign_in.first.url}/ui/requests")
        page.get_by_role("link", name="Sign in with your company account").click()
        page.get_by_role("button", name="a stranger", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("has no access here")
        faults = [fault["id"] for fault in Axe().run(page).response["violations"]]
        assert faults == []
        page.get_by_role("link", name="Use another account").click()
        assert sign_in.provider.authorized[-1]["prompt"] == "select_account"
        page.get_by_role("button", name="ana", exact=True).click()
        expect(page.get_by_role("heading", name="Requests")).to_be_visible()
        page.get_by_text("ana@acme.example").click()
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_role("link", name="Sign in with your company account")).to_be_visible()


def test_the_browser_is_sent_with_pkce_state_and_nonce(sign_in: SignIn) -> None:
    visitor = Visitor(sign_in.first)
    sent(visitor)
    sent(visitor)
    before, after = sign_in.provider.authorized[-2:]
    assert after["code_challenge_method"] == "S256"
    assert after["response_type"] == "code"
    for name in ("code_challenge", "state", "nonce"):
        assert len(after[name]) >= 20
        assert before[name] != after[name]


def test_one_process_ends_the_sign_in_that_another_began(sign_in: SignIn) -> None:
    visitor = Visitor(sign_in.first)
    location = returned(visitor, sent(visitor), "ana").headers["Location"]
    answer = visitor.cookies.get(location.replace(sign_in.first.url, sign_in.second.url), timeout=30)
    assert answer.url == f"{sign_in.second.url}/ui"
    assert visitor.get("/ui", allow_redirects=False).status_code == 200  # and the session is one of both


def test_after_signing_in_a_person_is_where_they_wanted_to_go(sign_in: SignIn) -> None:
    for wanted, url in (("/ui/requests", "/ui/requests"), ("//evil.example", "/ui")):
        visitor = Visitor(sign_in.first)
        location = returned(visitor, sent(visitor, f"?next={wanted}"), "ana").headers["Location"]
        assert visitor.cookies.get(location, timeout=30).url == sign_in.first.url + url


@pytest.mark.parametrize("sub", WITHOUT_ACCESS)
def test_whoever_has_no_access_gets_one_answer(sign_in: SignIn, sub: str) -> None:
    before = sign_in.entries()
    visitor, answer = arrived(sign_in.first, sub)
    assert answer.status_code == 403
    assert "This account has no access here" in answer.text
    assert "again=yes" in answer.text
    for value in (str(USERS[sub].get("email", "unverified")), "verified", "expired"):
        assert value not in answer.text
    assert "eps_" not in str(visitor.cookies.cookies.get_dict())
    assert sign_in.entries() == before + 1
    assert "acme" not in str(sign_in.denied()["why"])
    assert visitor.get("/ui", allow_redirects=False).status_code == 303


@pytest.mark.parametrize("sub", NOT_GOOD)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(sign_in: SignIn, sub: str) -> None:
    before = sign_in.entries()
    visitor, answer = arrived(sign_in.first, sub)
    assert answer.status_code == 401
    assert "did not work" in answer.text
    assert sign_in.entries() == before + 1
    assert "not good" in str(sign_in.denied()["why"])
    assert visitor.get("/ui", allow_redirects=False).status_code == 303


def test_answers_that_this_browser_did_not_ask_for_are_refused(sign_in: SignIn) -> None:
    visitor, other = Visitor(sign_in.first), Visitor(sign_in.first)
    location = returned(visitor, sent(visitor), "ana").headers["Location"]
    sent(other)
    back = f"{sign_in.first.url}/ui/sign-in/back"
    state = parse_qs(urlsplit(location).query)["state"][0]
    for url in (
        location,
        f"{back}?code=x&state=x",
        back,
    ):  # somebody else's answer, for a browser of one's own
        assert other.cookies.get(url, timeout=30).status_code == 401
    assert visitor.cookies.get(f"{back}?code=x&state={state}", timeout=30).status_code == 401
    assert visitor.cookies.get(location, timeout=30).status_code == 401  # a sign-in is tried once


def test_a_cookie_that_was_changed_is_not_believed(sign_in: SignIn) -> None:
    visitor = Visitor(sign_in.first)
    location = returned(visitor, sent(visitor), "ana").headers["Location"]
    cookie = next(each for each in visitor.cookies.cookies if each.name == "export_pipelines_sign_in")
    assert cookie.value
    cookie.value = cookie.value[:-1] + ("A" if cookie.value[-1] != "A" else "B")
    assert visitor.cookies.get(location, timeout=30).status_code == 401


def test_a_code_is_good_for_the_browser_that_asked_alone(sign_in: SignIn) -> None:
    """A stolen code, with a state of the thief's own: the provider gets another verifier."""
    victim, thief = Visitor(sign_in.first), Visitor(sign_in.first)
    code = parse_qs(urlsplit(returned(victim, sent(victim), "ana").headers["Location"]).query)["code"][0]
    own = parse_qs(urlsplit(sent(thief)).query)["state"][0]
    url = f"{sign_in.first.url}/ui/sign-in/back?code={code}&state={own}"
    assert thief.cookies.get(url, timeout=30).status_code == 401


def test_whoever_says_no_at_the_provider_is_back_at_the_start(sign_in: SignIn) -> None:
    visitor = Visitor(sign_in.first)
    url = sent(visitor)
    answer = visitor.cookies.post(url, data={"action": "deny"}, timeout=30)
    assert answer.status_code == 401
    assert "Sign in with your company account" in answer.text


def test_an_address_that_only_the_userinfo_endpoint_says_counts(sign_in: SignIn) -> None:
    provider = sign_in.provider
    try:
        provider.userinfo = {"email": "ana@acme.example", "email_verified": True}
        assert arrived(sign_in.first, "without an address")[1].url == f"{sign_in.first.url}/ui"
        provider.userinfo = {**provider.userinfo, "sub": "somebody else"}
        assert arrived(sign_in.first, "without an address")[1].status_code == 401
    finally:
        provider.userinfo = {}


def test_signing_out_everywhere_ends_all_sessions_at_all_processes(sign_in: SignIn) -> None:
    first, second = arrived(sign_in.first, "bo")[0], arrived(sign_in.second, "bo")[0]
    by_key, ana = Visitor(sign_in.second), arrived(sign_in.second, "ana")[0]
    by_key.sign_in("bo@acme.example")
    for visitor in (first, second, by_key, ana):
        assert visitor.get("/ui", allow_redirects=False).status_code == 200
    first.post("/ui/sign-out", {"everywhere": "yes"})
    for visitor in (first, second, by_key):
        assert visitor.get("/ui", allow_redirects=False).status_code == 303
    assert ana.get("/ui", allow_redirects=False).status_code == 200
    entry = sign_in.first.project.ledger.audit(AuditAction.SIGNED_OUT)[-1]
    assert (entry.actor, entry.detail["everywhere"]) == ("bo@acme.example", True)


def test_rights_that_are_taken_away_end_a_session(sign_in: SignIn) -> None:
    visitor, _ = arrived(sign_in.first, "ana")
    path = sign_in.first.project.root / "access.yaml"
    try:
        path.write_text(ACCESS.replace("  ana@acme.example: {roles: [analyst]}\n", ""))
        assert visitor.get("/ui", allow_redirects=False).status_code == 303
    finally:
        path.write_text(ACCESS)


def test_an_access_file_that_is_broken_is_not_shown(sign_in: SignIn) -> None:
    path = sign_in.first.project.root / "access.yaml"
    try:
        path.write_text(ACCESS.replace("roles: [analyst]}", "roles: [secret-role]}", 1))
        _, answer = arrived(sign_in.first, "ana")
    finally:
        path.write_text(ACCESS)
    assert answer.status_code == 403
    assert "This account has no access here" in answer.text
    assert "secret-role" not in answer.text and "access.yaml" not in answer.text
    assert sign_in.denied()["why"] == "access.yaml cannot be read"


def environment_of(folder: Path, store_url: str, issuer: str, access: str | None = ACCESS) -> dict[str, str]:
    settings = {
        f"{PREFIX}SERVICE_OIDC_ISSUER": issuer,
        f"{PREFIX}SERVICE_OIDC_CLIENT_ID": "exports",
        f"{PREFIX}SERVICE_OIDC_CLIENT_SECRET": "a secret of the client",
    }
    return make_project(folder, store_url, access, **settings)
