"""What the operator does not allow is refused when a destination is opened, whatever was checked before."""

import json
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.definition.delivery import KINDS
from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.errors import DefinitionError, RequestError, SettingsError
from export_pipelines.settings import Settings
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.delivery.desk import Desk, open_entry

SECRET = {"env": "S"}
SFTP = {"host": "sftp.example.com", "user": "u", "path": "p", "password": SECRET}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz"
ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "sftp": ("sftp", {**SFTP, "known_hosts": "hosts", "jump": {"host": "jump.example.com", "user": "u", "password": SECRET, "host_key": HOST_KEY}}),
    "s3": ("s3", {"bucket": "acme", "key": "a/", "endpoint_url": "https://s3.example.com", "ca": "ca.pem", "access_key": SECRET, "secret_key": SECRET}),
    "webhook": ("webhook", {"url": "https://hook.example.com/in", "secret": SECRET, "headers": {"X-Key": {"env": "H"}}, "ca": "ca.pem", "client_certificate": "c.pem", "client_key": "k.pem"}),
    "folder": ("folder", {"path": "/mnt/share/{{date}}"}),
    "encrypted": ("folder", {"path": "in", "encrypt": {"pgp": ["a.asc", "b.asc"], "sign": "ours.asc", "passphrase": SECRET}}),
    "email": ("email", {"to": ["a@to.example"], "cc": "b@cc.example", "from": "c@from.example", "smtp": {"file": "smtp"}, "encrypt": ["e.pem"]}),
}  # fmt: skip
NAMED = {
    "sftp": {
        ("password", "variables", "S"),
        ("jump.password", "variables", "S"),
        ("host", "hosts", "sftp.example.com"),
        ("known_hosts", "files", "hosts"),
        ("jump.host", "hosts", "jump.example.com"),
    },
    "s3": {
        ("access_key", "variables", "S"),
        ("secret_key", "variables", "S"),
        ("bucket", "buckets", "acme"),
        ("endpoint_url", "hosts", "s3.example.com"),
        ("ca", "files", "ca.pem"),
    },
    "webhook": {
        ("url", "hosts", "hook.example.com"),
        ("secret", "variables", "S"),
        ("headers.X-Key", "variables", "H"),
        ("ca", "files", "ca.pem"),
        ("client_certificate", "files", "c.pem"),
        ("client_key", "files", "k.pem"),
    },
    "folder": {("path", "folders", "/mnt/share/{{date}}")},
    "encrypted": {
        ("encrypt.pgp", "files", "a.asc"),
        ("encrypt.pgp", "files", "b.asc"),
        ("encrypt.sign", "files", "ours.asc"),
        ("encrypt.passphrase", "variables", "S"),
    },
    "email": {
        ("to", "mail_domains", "to.example"),
        ("cc", "mail_domains", "cc.example"),
        ("from", "mail_domains", "from.example"),
        ("smtp", "files", "smtp"),
        ("encrypt", "files", "e.pem"),
    },
}
ALL = {
    "variables": '["*"]',
    "files": '["/**"]',
    "folders": '["/**"]',
    "hosts": '["*"]',
    "buckets": '["*"]',
    "mail_domains": '["*"]',
}


def allow(desk: Desk, **globs: str) -> None:
    desk.settings.allowed.write_text("".join(f"{key}: {value}\n" for key, value in (ALL | globs).items()))


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_destination_knows_all_that_it_names(kind: str) -> None:
    name, settings = ENTRIES[kind]
    found = KINDS[name].model_validate(settings).named()
    assert {(".".join(map(str, one.key)), one.kind, one.name) for one in found} == NAMED[kind]


@pytest.mark.parametrize(
    ("kind", "named"), [(kind, one) for kind, several in NAMED.items() for one in sorted(several)]
)
def test_each_name_is_held_against_the_list_when_the_destination_is_opened(
    desk: Desk, kind: str, named: tuple[str, str, str]
) -> None:
    """The list may have changed after the check."""
    _, of, name = named
    others = [one for _, other, one in NAMED[kind] if other == of and one != name]
    allow(desk, **{of: json.dumps(others)})
    with pytest.raises(RequestError, match=f"allowed.yaml does not allow the .*{name}") as caught:
        open_entry(dict(zip(("kind", "settings"), ENTRIES[kind], strict=True)), desk.resources)
    assert caught.value.where.startswith(f"deliver.{ENTRIES[kind][0]}.")


@pytest.mark.parametrize(
    ("kind", "settings", "where"),
    [
        ("webhook", {"url": {"env": "U"}}, "deliver.webhook.url"),
        ("webhook", {"url": "https://ok.example/", "proxy": {"env": "U"}}, "deliver.webhook.proxy"),
        ("email", {"to": "a@b.example", "from": "a@b.example", "smtp": {"env": "M"}}, "deliver.email.smtp"),
    ],
)
def test_a_host_inside_of_a_secret_is_held_against_the_list(
    desk: Desk, kind: str, settings: dict[str, Any], where: str
) -> None:
    desk.environment.update(U="https://evil.example/in", M="smtp://user:password@evil.example:587")
    allow(desk, hosts="[ok.example]")
    with pytest.raises(RequestError, match='the host "evil.example"') as caught:
        open_entry({"kind": kind, "settings": settings}, desk.resources)
    assert caught.value.where == where


def test_a_list_that_is_wrong_allows_nothing(desk: Desk) -> None:
    desk.settings.allowed.write_text("hosts: [")
    entry = {"kind": "sftp", "settings": SFTP}
    with pytest.raises(DefinitionError, match=r"allowed\.yaml:1: not YAML"):
        open_entry(entry, desk.resources)


def test_a_list_that_the_environment_names_has_to_be_there(tmp_path: Path) -> None:
    settings = Settings.load({"EXPORT_PIPELINES_ALLOWED": "lists/allowed.yaml"}, tmp_path)
    assert settings.allowed == tmp_path / "lists" / "allowed.yaml" and settings.requires_allowed
    assert not Settings.load({}, tmp_path).requires_allowed


@pytest.mark.parametrize("name", ["EXPORT_PIPELINES_MASTER_KEY", "export_pipelines_hash_key"])
def test_a_variable_of_the_program_is_never_resolved(desk: Desk, name: str) -> None:
    """Also where the model that refuses it was gone round."""
    desk.environment[name] = "the operator's own"
    with pytest.raises(SettingsError, match="a variable of the program itself"):
        desk.resources.secret(SecretName.model_construct(env=name, file=None), "deliver.sftp.password")
    entry = {"kind": "sftp", "settings": {**SFTP, "password": {"env": name}}}
    with pytest.raises(RequestError, match="a variable of the program itself") as caught:
        open_entry(entry, desk.resources)
    assert "the operator's own" not in str(caught.value)


@pytest.fixture
def own_files(desk: Desk, tmp_path: Path) -> list[str]:
    """Ways to name a key of the operator's."""
    (desk.home / "keys").mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("a key")
    (tmp_path / "link").symlink_to(desk.home / "keys")
    desk.environment["EXPORT_PIPELINES_MASTER_KEY_2_FILE"] = "elsewhere"
    return [
        str(desk.home / "keys" / "hash_key"),
        "home/keys/hash_key",
        "exports/../home/keys/hash_key",
        "link/hash_key",
        "elsewhere",
        str(desk.home / "ledger.db"),
        "/proc/self/environ",
        "/proc/thread-self/environ",
    ]


def test_a_file_of_the_program_is_never_read(desk: Desk, own_files: list[str]) -> None:
    """HOME, files of keys, and the environment as the kernel shows it."""
    for file in own_files:
        with pytest.raises(SettingsError, match="a file of the program itself"):
            desk.resources.secret(SecretName(file=file), "deliver.sftp.password")
        entry = {"kind": "sftp", "settings": {**SFTP, "password": {"file": file}}}
        with pytest.raises(RequestError, match="a file of the program itself"):
            open_entry(entry, desk.resources)
    for setting in ("ca", "client_key"):
        settings = {"url": "https://example.com/", "client_certificate": "c", "client_key": "c"}
        entry = {"kind": "webhook", "settings": {**settings, setting: own_files[0]}}
        with pytest.raises(RequestError, match="a file of the program itself"):
            open_entry(entry, desk.resources)


def test_a_climbing_path_is_compared_as_it_is_read(desk: Desk, tmp_path: Path) -> None:
    allow(desk, files=f'["{tmp_path}/secrets/*"]')
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "a").write_text("inside")
    (tmp_path / "b").write_text("outside")
    assert desk.resources.refusal("files", "secrets/../secrets/a") is None
    assert "does not allow the file" in str(desk.resources.refusal("files", "secrets/../b"))


def test_a_folder_is_held_against_the_list_as_it_is_filled_in(desk: Desk, tmp_path: Path) -> None:
    """The template fits what the operator allows, and what becomes of it does not."""
    made = stored(desk.store)
    entry = {"kind": "folder", "settings": {"path": f"{tmp_path}/out/{{{{date}}}}", "overwrite": "version"}}
    allow(desk, folders=json.dumps([f"{tmp_path}/out/????????"]))
    open_entry(entry, desk.resources)
    with pytest.raises(RequestError, match='does not allow the folder ".*/out/2024-01-15"'):
        desk.send(made, entry)
    assert not (tmp_path / "out").exists()
    allow(desk, folders=json.dumps([f"{tmp_path}/out/**"]))
    desk.send(made, entry)


def test_a_climbing_folder_is_compared_as_it_is_written_into(desk: Desk, tmp_path: Path) -> None:
    allow(desk, folders=json.dumps([f"{tmp_path}/out/**"]))
    assert desk.resources.refusal("folders", f"{tmp_path}/out/a") is None
    assert "does not allow the folder" in str(desk.resources.refusal("folders", f"{tmp_path}/out/../other"))


def test_the_programs_own_folder_of_deliveries_is_always_free(desk: Desk) -> None:
    allow(desk, folders="[]")
    desk.send(stored(desk.store), {"kind": "folder", "settings": {"path": "backup"}})


def test_a_delivery_from_before_a_setting_was_moved_says_where_it_went(desk: Desk) -> None:
    """One that waits in the ledger of an older program."""
    entry = {"kind": "webhook", "settings": {"url": "https://10.0.0.5/in", "allow_private": True}}
    with pytest.raises(RequestError) as told:
        desk.send(stored(desk.store), entry)
    assert str(told.value) == (
        "deliver.webhook: allow_private: this setting is gone; the operator opens addresses that are not public, by "
        "`private_networks: [10.1.0.0/16]` in allowed.yaml (mend the export; what waits for delivery then goes by: "
        "export-pipelines deliver ARTIFACT)"
    )
    assert desk.ledger.deliveries()[0].state == "failed"
