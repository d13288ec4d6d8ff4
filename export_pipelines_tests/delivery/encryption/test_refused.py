"""Keys that nothing is encrypted to: refused when a destination is opened, as `check` does, and by every delivery."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.check import check_all
from export_pipelines.definition import load_definitions
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines_servers.pgp import Partner
from export_pipelines_servers.receivers import FolderReceiver
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.conftest import DAILY, Project
from export_pipelines_tests.delivery.desk import Desk, open_entry
from export_pipelines_tests.delivery.encryption.conftest import PASSPHRASE, Recipient

LAST_CHARACTER_WRONG = "age1" + "q" * 58
NO_SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"
PHRASE = {"sign": "ours.asc", "passphrase": {"env": "PHRASE"}}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({"pgp": "no_key.asc"}, r"encrypt\.pgp no_key\.asc: there is no OpenPGP key in the file"),
    "no file": ({"pgp": "nowhere.asc"}, "cannot read nowhere.asc: No such file"),
    "a private key": ({"pgp": "private.asc"}, "the file holds a private key"),
    "two keys": ({"pgp": "both.asc"}, "there are 2 keys in the file"),
    "expired": ({"pgp": "expired.asc"}, "the key expired on 2020-12-31"),
    "expired subkey": ({"pgp": "expired_subkey.asc"}, "the key's encryption subkey expired on 2020-12-31"),
    "revoked": ({"pgp": "revoked.asc"}, "the key was revoked"),
    "sign only": ({"pgp": "sign_only.asc"}, "can sign and cannot encrypt"),
    "the second of two": ({"pgp": ["partner.asc", "revoked.asc"]}, r"revoked\.asc: the key was revoked"),
    "a wrong passphrase": (
        {"pgp": "partner.asc", "sign": "ours.asc", "passphrase": {"env": "WRONG"}},
        r"encrypt\.passphrase: our own key does not open",
    ),
    "no passphrase": ({"pgp": "partner.asc", "sign": "ours.asc"}, "our own key does not open"),
    "an unset passphrase": (
        {"pgp": "partner.asc", "sign": "ours.asc", "passphrase": {"env": "UNSET"}},
        "the variable UNSET is not set",
    ),
    "a public key that signs": ({"pgp": "partner.asc", **PHRASE, "sign": "partner.asc"}, "no private key"),
    "no recipient of age": ({"age": LAST_CHARACTER_WRONG}, "is no recipient of age"),
    "no key of SSH": ({"age": NO_SSH_KEY}, "is no recipient of age"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_key_that_cannot_be_used_is_refused_at_check_and_at_delivery(
    desk: Desk, folder: FolderReceiver, keys: Path, what: str
) -> None:
    encrypt, text = REFUSED[what]
    desk.environment.update(WRONG="wrong horse", PHRASE=PASSPHRASE)
    entry = folder.entry(encrypt=encrypt)
    with pytest.raises(RequestError, match=text) as at_check:
        open_entry(entry, desk.resources)
    with pytest.raises(RequestError, match=text):
        desk.send(stored(desk.store), entry)
    assert "wrong horse" not in str(at_check.value)
    assert desk.ledger.deliveries()[0].state == "failed"
    assert folder.arrived() == {}
    assert not any((desk.home / "encrypted").glob("*/*"))


def test_a_key_that_was_revoked_since_the_check_is_refused_by_the_delivery(
    desk: Desk, folder: FolderReceiver, to_pgp: Recipient, keys: Path
) -> None:
    entry = folder.entry(encrypt=to_pgp.encrypt)
    open_entry(entry, desk.resources)
    (keys / "partner.asc").write_bytes((keys / "revoked.asc").read_bytes())
    with pytest.raises(RequestError, match="the key was revoked"):
        desk.send(stored(desk.store), entry)
    assert folder.arrived() == {}


@pytest.mark.parametrize(
    ("signs", "program"), [(False, "gpg"), (True, "gpg-agent")], ids=["gpg", "gpg-agent"]
)
def test_a_program_that_is_not_installed_is_named_with_its_package(
    desk: Desk,
    folder: FolderReceiver,
    to_pgp: Recipient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    signs: bool,
    program: str,
) -> None:
    (tmp_path / "bin").mkdir()
    if signs:
        (tmp_path / "bin" / "gpg").symlink_to(to_pgp.partner.gpg)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    desk.environment["PHRASE"] = PASSPHRASE
    with pytest.raises(
        SettingsError, match=rf"the program {program} is not installed .*apt-get install gnupg"
    ):
        open_entry(folder.entry(encrypt={**to_pgp.encrypt, **(PHRASE if signs else {})}), desk.resources)


def test_without_pyrage_its_extra_is_named(
    desk: Desk, folder: FolderReceiver, to_age: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "export_pipelines.delivery.encryption.age_child", raising=False)
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(SettingsError, match=r"pyrage is not installed .*export-pipelines\[age\]"):
        open_entry(folder.entry(encrypt=to_age.encrypt), desk.resources)


def test_the_operator_decides_which_keys_may_be_named(
    desk: Desk, folder: FolderReceiver, to_pgp: Recipient, pgp: Partner
) -> None:
    allowed = 'variables: []\nfiles: [second.asc]\nfolders: ["/**"]\n'
    desk.settings.allowed.write_text(allowed, encoding="utf-8")
    with pytest.raises(RequestError, match=r'does not allow the file ".*partner\.asc"'):
        desk.send(stored(desk.store), folder.entry(encrypt=to_pgp.encrypt))
    with pytest.raises(RequestError, match='does not allow the variable "PHRASE"'):
        desk.send(
            stored(desk.store, token="20240117T020000Z-0a1b2c"),
            folder.entry(
                encrypt={"pgp": "second.asc", "sign": "second.asc", "passphrase": {"env": "PHRASE"}}
            ),
        )
    desk.send(
        stored(desk.store, token="20240118T020000Z-0a1b2c"), folder.entry(encrypt={"pgp": "second.asc"})
    )
    assert folder.arrived()


def test_check_names_file_and_line(project: Project, pgp: Partner) -> None:
    (project.folder / "expired.asc").write_bytes(pgp.public("expired"))
    project.write("daily", DAILY.replace('{{date}}"}', '{{date}}", encrypt: {pgp: expired.asc}}'))
    catalog = load_catalog(None)
    loaded = load_definitions(project.settings.definitions, catalog)
    (fault,) = [one for one in check_all(project.settings, catalog, loaded) if one.severity == "error"]
    assert re.search(
        r"daily\.yaml:10: deliver\.folder\.encrypt\.pgp expired\.asc: the key expired on 2020-12-31",
        fault.text,
    )
