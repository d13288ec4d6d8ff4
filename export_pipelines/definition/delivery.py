"""Where artifacts go: the kinds of entries under `deliver:`, as people write them and as plans and the ledger keep them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, ValidationError

from export_pipelines.definition.destinations import (
    DestinationSettings,
    DownloadSettings,
    EmailSettings,
    FolderSettings,
    S3Settings,
    SftpSettings,
    StoredEntry,
    WebhookSettings,
)
from export_pipelines.definition.one_of import OneOf, one_of
from export_pipelines.errors import RequestError, unknown
from export_pipelines.yaml.schema_faults import plain_faults

KINDS: Mapping[str, type[DestinationSettings]] = {
    settings.kind: settings
    for settings in (
        FolderSettings,
        EmailSettings,
        SftpSettings,
        S3Settings,
        WebhookSettings,
        DownloadSettings,
    )
}
KINDS_TO_COME = ("firehose",)

_KIND = OneOf("destination", KINDS, alone=("download",), to_come=KINDS_TO_COME)


def _settings(written: Any) -> DestinationSettings:
    """`{folder: {path: ...}}`, already checked, as the settings of its kind."""
    kind, settings = _KIND.read(written)
    return KINDS[kind]() if settings is None else settings


if TYPE_CHECKING:
    WrittenDestination = DestinationSettings  # what the validators make of it
else:
    WrittenDestination = Annotated[one_of(_KIND), AfterValidator(_settings)]


def read_entry(entry: StoredEntry) -> DestinationSettings:
    """The settings of an entry that `DestinationSettings.stored` made, perhaps in an earlier version of the program.

    Raises RequestError for a kind or settings that there are not, or no longer.
    """
    kind = str(entry.get("kind"))
    if kind not in KINDS:
        raise RequestError(unknown("kind of destination", kind, KINDS), where="deliver")
    try:
        return KINDS[kind].model_validate(entry.get("settings") or {})
    except ValidationError as error:
        faults = "; ".join(text for _, text in plain_faults(error, KINDS[kind]))
        raise RequestError(  # pydantic's own text repeats the input
            faults,
            where=f"deliver.{kind}",
            remedy="mend the export; what waits for delivery then goes by: export-pipelines deliver ARTIFACT",
        ) from None
