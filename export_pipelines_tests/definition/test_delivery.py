"""What stands under `deliver:`."""

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from export_pipelines.definition.delivery import KINDS, read_entry
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.destinations.secret import Secret, SecretName
from export_pipelines.errors import DefinitionError
from export_pipelines_tests.definition.conftest import Load


def test_a_folder_has_all_of_its_settings(load: Load) -> None:
    (entry,) = load('deliver: [{folder: {path: "{{export}}/{{date}}"}}]').deliver
    assert entry == FolderSettings(path="{{export}}/{{date}}", overwrite="replace")
    settings = {"path": "{{export}}/{{date}}", "overwrite": "replace"}
    assert entry.stored() == {"kind": "folder", "settings": settings}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_ledger_keeps_of_an_entry_is_read_back_as_the_same(load: Load, kind: str) -> None:
    needed = {
        "folder": {"path": "x"},
        "email": {"to": "a@b.example", "from": "c@d.example", "smtp": {"env": "SMTP"}},
        "sftp": {"host": "h", "user": "u", "path": "p", "password": {"env": "P"}, "timeout_s": 9},
        "s3": {"bucket": "exports", "key": "x/", "tags": {"team": "leads"}},
        "webhook": {"url": {"env": "URL"}, "headers": {"X-Key": {"env": "KEY"}}},
        "download": {},
    }
    (entry,) = load(f"deliver: [{json.dumps({kind: needed[kind]} if needed[kind] else kind)}]").deliver
    assert type(entry) is KINDS[kind] and read_entry(json.loads(json.dumps(entry.stored()))) == entry


def test_a_destination_without_settings_is_refused(load: Load) -> None:
    with pytest.raises(DefinitionError, match=r'"folder" needs its settings, as folder: \{path: "billing'):
        load("deliver: [folder]")


def test_a_secret_is_the_name_of_a_variable() -> None:
    assert TypeAdapter(Secret).validate_python({"env": "SFTP_PASSWORD"}) == SecretName(env="SFTP_PASSWORD")


def test_a_plain_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="a secret never stands in a file"):
        TypeAdapter(Secret).validate_python("hunter2")


AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
FOLDER = "deliver: [{{folder: {{path: x, encrypt: {}}}}}]"


@pytest.mark.parametrize(
    "encrypt",
    [
        {"pgp": "partner.asc"},
        {"pgp": ["a.asc", "b.asc"], "sign": "ours.asc", "passphrase": {"env": "P"}},
        {"age": AGE},
        {
            "age": [
                AGE,
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz me@here",
            ]
        },
    ],
)
def test_how_files_are_encrypted_is_read_back_as_it_was(load: Load, encrypt: dict[str, object]) -> None:
    (one,) = load(FOLDER.format(json.dumps(encrypt))).deliver
    assert one.file_encryption is not None
    assert read_entry(json.loads(json.dumps(one.stored()))) == one
    assert all("me@here" not in recipient for recipient in one.file_encryption.age)


def test_without_encryption_nothing_is_said_of_it(load: Load) -> None:
    (one,) = load("deliver: [{folder: {path: x}}]").deliver
    assert "encrypt" not in one.stored()["settings"]


@pytest.mark.parametrize(
    ("encrypt", "text"),
    [
        ("{}", "one of pgp and age is expected"),
        (f"{{pgp: a.asc, age: {AGE}}}", "one of pgp and age is expected"),
        ("{pgp: []}", "one of pgp and age is expected"),
        ("{gpg: a.asc}", 'unknown key "gpg"; did you mean "pgp"'),
        ("{pgp: [a.asc, a.asc]}", "a recipient is named twice"),
        (f"{{age: {AGE}, sign: ours.asc}}", "sign goes with pgp"),
        ("{pgp: a.asc, passphrase: {env: P}}", "there is no `sign`"),
        ("{pgp: a.asc, sign: b.asc, passphrase: hunter2}", "a secret never stands in a file"),
        ('{pgp: "-----BEGIN PGP PUBLIC KEY BLOCK-----"}', "the name of a file is expected"),
        ("{age: ana@example.com}", "a recipient of age is expected"),
        (f"{{age: {AGE[:-1]}}}", "a recipient of age is expected"),
        ("{age: age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t}", "plugins are not"),
        ("{age: AGE-SECRET-KEY-1QQQQQQQQQ}", "that is a private key"),
    ],
)
def test_an_encryption_that_cannot_be_meant_is_refused_with_its_line(
    load: Load, encrypt: str, text: str
) -> None:
    with pytest.raises(DefinitionError, match=text) as caught:
        load(f"deliver:\n  - folder:\n      path: x\n      encrypt: {encrypt}\n")
    assert "QQQQ" not in str(caught.value) and "hunter2" not in str(caught.value)
    assert "deliver.0.folder.encrypt" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("webhook: {url: https://a.example/in, send: notice, encrypt: {pgp: a.asc}}", "a notice links"),
        ("email: {to: a@b.example, over_limit: link, encrypt: {pgp: a.asc}}", "a link leads"),
        ("email: {to: a@b.example, send: link, encrypt: {pgp: a.asc}}", "a link leads"),
        ('email: {to: a@b.example, body: "{{link}}", encrypt: {pgp: a.asc}}', "a link leads"),
        ('email: {to: a@b.example, subject: "{{link}}"}', 'unknown word "link"'),
        ("email: {to: a@b.example, link: {days: 31}}", "days"),
        ("email: {to: a@b.example, encrypt: {pgp: a.asc, age: x}}", "a recipient of age is expected"),
        ("email: {to: a@b.example, encrypt: a.pem}", "a list"),
    ],
)
def test_what_would_lead_to_plain_files_is_refused(load: Load, kind: str, text: str) -> None:
    with pytest.raises(DefinitionError, match=text):
        load(f"deliver: [{{{kind}}}]")
