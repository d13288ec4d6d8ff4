"""What the settings of all kinds have in common."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from export_pipelines.definition.destinations.named import Named, secrets_in
from export_pipelines.definition.words import fault
from export_pipelines.templates import FOLDER_WORDS, template_faults

Overwrite = Literal["replace", "never", "version"]
Seconds = Annotated[float, Field(gt=0, le=600)]  # to wait for the other side to move


class DestinationSettings(BaseModel):
    """Settings of one kind of destination.

    `place` names the setting that is a template of where files go, `words` what it may hold. A kind without one, such
    as mail, holds no files that a later delivery could replace. `server()` tells equal places apart; `names_files()`
    says whether the place is that of each file, not of their folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: ClassVar[str | None] = None
    words: ClassVar[frozenset[str]] = FOLDER_WORDS

    def server(self) -> str:
        return ""

    def names_files(self) -> bool:
        return False

    def named(self) -> Iterator[Named]:
        """What the operator's allowed.yaml has a say in; what a secret holds is known when it is resolved."""
        return secrets_in(self)


def _folder_path(value: str) -> str:
    for text in template_faults(value, FOLDER_WORDS):
        raise fault(text)
    if not value.strip() or ".." in value.replace("\\", "/").split("/"):
        raise fault('a folder is expected, without ".."; for example "{{export}}/{{date}}"')
    if value.startswith("~"):
        raise fault("a folder that begins with ~ is not filled in; write the folder out in full")
    return value


FolderPath = Annotated[str, AfterValidator(_folder_path)]
