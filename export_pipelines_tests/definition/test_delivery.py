"""What stands under `deliver:`."""

import pytest
from pydantic import TypeAdapter, ValidationError

from export_pipelines.definition.destinations.secret import Secret, SecretName
from export_pipelines.errors import DefinitionError
from export_pipelines_tests.definition.conftest import Load


def test_a_folder_has_all_of_its_settings(load: Load) -> None:
    (one,) = load('deliver: [{folder: {path: "{{export}}/{{date}}"}}]').deliver
    assert (one.kind, one.settings) == ("folder", {"path": "{{export}}/{{date}}", "overwrite": "replace"})


def test_a_destination_without_settings_is_refused(load: Load) -> None:
    with pytest.raises(DefinitionError, match='"folder" needs its settings'):
        load("deliver: [folder]")


def test_a_secret_is_the_name_of_a_variable() -> None:
    assert TypeAdapter(Secret).validate_python({"env": "SFTP_PASSWORD"}) == SecretName(env="SFTP_PASSWORD")


def test_a_plain_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="a secret never stands in a file"):
        TypeAdapter(Secret).validate_python("hunter2")
