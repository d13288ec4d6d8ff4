"""A service of its own for what changes at the provider, or how the service is reached."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

from export_pipelines.key_versions import PREFIX
from export_pipelines.project import Project
from export_pipelines_servers.open_id import open_id_provider
from export_pipelines_tests.service.pages.test_open_id import USERS, arrived, environment_of
from export_pipelines_tests.service.serving import Served, make_keys, serving


def test_a_public_url_says_where_browsers_come_back(tmp_path: Path, store_url: str) -> None:
    """Behind a proxy that the service does not trust, whatever the request says."""
    with open_id_provider(USERS) as provider:
        environment = environment_of(tmp_path / "project", store_url, provider.issuer)
        environment[f"{PREFIX}PUBLIC_URL"] = "https://exports.acme.example/"
        project = Project.open(tmp_path / "project", dict(environment))
        make_keys(project, ())
        with serving(project.root, environment) as (url, _):
            headers = {"Host": "evil.example"}
            answer = requests.get(
                f"{url}/ui/sign-in/provider", headers=headers, allow_redirects=False, timeout=30
            )
            page = requests.get(f"{url}/ui/sign-in", headers=headers, timeout=30)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["redirect_uri"] == ["https://exports.acme.example/ui/sign-in/back"]
    for cookie in (answer.headers["Set-Cookie"], page.headers["Set-Cookie"]):
        assert "; Secure" in cookie


def test_wrong_metadata_are_read_again(tmp_path: Path, store_url: str) -> None:
    """Also what only the wrong ones had is not kept."""
    with open_id_provider(USERS) as provider:
        environment = environment_of(tmp_path / "project", store_url, provider.issuer)
        project = Project.open(tmp_path / "project", dict(environment))
        make_keys(project, ())
        with serving(project.root, environment) as (url, _):
            for wrong in ({"issuer": "https://evil.example"}, {"other_endpoint": "http://evil.example"}):
                provider.metadata = wrong
                assert requests.get(f"{url}/ui/sign-in/provider", timeout=30).status_code == 503
            provider.metadata = {}
            assert arrived(Served(url, project, environment, {}), "ana")[1].url == f"{url}/ui"


def test_a_token_that_the_provider_did_not_sign_is_refused(tmp_path: Path, store_url: str) -> None:
    for change in ({"has_other_keys": True}, {"metadata": {"issuer": "https://evil.example"}}):
        with open_id_provider(USERS) as provider:
            environment = environment_of(tmp_path / next(iter(change)), store_url, provider.issuer)
            for name, value in change.items():
                setattr(provider, name, value)
            project = Project.open(tmp_path / next(iter(change)), dict(environment))
            make_keys(project, ())
            with serving(project.root, environment) as (url, _):
                served = Served(url, project, environment, {})
                if change.get("metadata"):
                    answer = requests.get(f"{url}/ui/sign-in/provider", timeout=30)
                    assert answer.status_code == 503
                    assert "does not answer" in answer.text
                else:
                    assert arrived(served, "ana")[1].status_code == 401
