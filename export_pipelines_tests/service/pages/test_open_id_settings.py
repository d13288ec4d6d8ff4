"""The settings of OpenID Connect: all of them, with TLS and access.yaml, or none."""

from pathlib import Path

import pytest
import requests

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.project import Project
from export_pipelines.service import ServiceSettings
from export_pipelines.service.server import serve
from export_pipelines_tests.service.pages.test_open_id import environment_of
from export_pipelines_tests.service.serving import Served


def test_nothing_of_it_is_there_without_settings(paged: Served) -> None:
    assert "company account" not in requests.get(f"{paged.url}/ui/sign-in", timeout=30).text
    for path in ("/ui/sign-in/provider", "/ui/sign-in/back?code=x&state=x"):
        assert requests.get(paged.url + path, timeout=30).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"OIDC_CLIENT_SECRET": ""},
        {"OIDC_ISSUER": ""},
        {"OIDC_ISSUER": "http://accounts.acme.example"},
        {"OIDC_ISSUER": "accounts.acme.example"},
    ],
)
def test_half_of_the_settings_is_an_error(changed: dict[str, str]) -> None:
    values = {"OIDC_ISSUER": "https://accounts.acme.example", "OIDC_CLIENT_ID": "exports"}
    values |= {"OIDC_CLIENT_SECRET": "a secret of the client", **changed}
    with pytest.raises(SettingsError) as error:
        ServiceSettings.load({f"{PREFIX}SERVICE_{name}": value for name, value in values.items()})
    assert "a secret of the client" not in str(error.value)


def test_without_access_yaml_nobody_could_come(tmp_path: Path, store_url: str) -> None:
    environment = environment_of(
        tmp_path / "project", store_url, "https://accounts.acme.example", access=None
    )
    settings = ServiceSettings.load(environment)
    assert "a secret" not in repr(settings)
    with pytest.raises(SettingsError, match=r"needs access\.yaml"):
        serve(Project.open(tmp_path / "project", dict(environment)), settings)
