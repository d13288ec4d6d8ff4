"""Where artifacts go: the table of kinds with their settings as people write them under `deliver:`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from export_pipelines.definition.export import Destination
from export_pipelines.definition.one_of import OneOf, one_of
from export_pipelines.definition.templates import FOLDER_WORDS, template_faults
from export_pipelines.definition.words import fault


class SecretName(BaseModel):
    """`{env: SFTP_PASSWORD}`: the secret is in that variable of the environment, never in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str


def _no_plain_secret(value: Any) -> Any:
    if isinstance(value, (dict, SecretName)):
        return value
    raise fault("a secret never stands in a file; write {env: NAME} and set NAME in the environment")


Secret = Annotated[SecretName, BeforeValidator(_no_plain_secret, json_schema_input_type=SecretName)]


def _folder_path(value: str) -> str:
    for text in template_faults(value, FOLDER_WORDS):
        raise fault(text)
    if not value.strip() or ".." in value.replace("\\", "/").split("/"):
        raise fault('a folder is expected, without ".."; for example "{{export}}/{{date}}"')
    return value


class FolderSettings(BaseModel):
    """A folder on this machine; a relative path is taken from the program's own folder of deliveries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, AfterValidator(_folder_path)]
    overwrite: Literal["replace", "never", "version"] = "replace"


KINDS: Mapping[str, type[BaseModel]] = {"folder": FolderSettings}
KINDS_TO_COME = ("email", "sftp", "s3", "webhook", "download", "firehose")

_KIND = OneOf("destination", KINDS, to_come=KINDS_TO_COME)
WrittenDestination: Any = one_of(_KIND)


def destination_of(written: Any) -> Destination:
    """`{folder: {path: ...}}`, already checked, with every setting filled in."""
    kind, settings = _KIND.read(written)
    return Destination(kind=kind, settings=settings.model_dump())
