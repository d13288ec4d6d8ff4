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
    with pytest.raises(DefinitionError, match='"folder" needs its settings'):
        load("deliver: [folder]")


def test_a_secret_is_the_name_of_a_variable() -> None:
    assert TypeAdapter(Secret).validate_python({"env": "SFTP_PASSWORD"}) == SecretName(env="SFTP_PASSWORD")


def test_a_plain_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="a secret never stands in a file"):
        TypeAdapter(Secret).validate_python("hunter2")
